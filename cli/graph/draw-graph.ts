// SPDX-License-Identifier: Apache-2.0
import { count } from '../../policy/nodepolicy/warning.ts';
import type { GraphNode, GraphParent, GraphRemark, GraphResource, GraphTone } from './build-graph.ts';
import {
  bar,
  box,
  connection,
  escapeXML,
  ink,
  paper,
  text,
  textSize,
  textWidth,
  toneColours,
  wrapText,
} from './shapes.ts';

const gap = 20;
const headHeight = 78;

/** The maximum number of cards in a row. Four fit on most screens, so that a reader scrolls in only one direction. */
const maxColumns = 4;

/**
 * Draws nodes as cards in rows, in the given order. The picture is an SVG 1.1 document without scripts, styles or
 * external resources. All names in it are escaped.
 */
export function drawGraph(nodes: readonly GraphNode[], where: string): string {
  const cards = nodes.map(drawNode);
  const columns = Math.max(1, Math.min(maxColumns, Math.ceil(Math.sqrt(cards.length)), cards.length));
  const shortest = Math.max(columns, 2);
  const width = gap + shortest * (cardWidth + gap);
  const { svg, bottom } = placeInRows(cards, columns);
  const height = Math.max(bottom, headHeight + gap);
  const title = `Macvtap resources of ${where}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace">`,
    `<title>${escapeXML(title)}</title>`,
    box(
      { x: 0, y: 0, width, height, fill: paper.page, stroke: paper.page },
      text(title, { x: gap, y: 32, width: width - 2 * gap, size: 18, isBold: true, fill: ink.strong }),
      text(sumOf(nodes), { x: gap, y: 58, width: width - 2 * gap - legendWidth, fill: ink.faint }),
      legend(width - gap - legendWidth),
      svg,
    ),
    '</svg>',
  ].join('\n');
}

/** Places the cards in rows. Each row is as high as its tallest card. */
function placeInRows(cards: readonly Drawing[], columns: number): { svg: string; bottom: number } {
  const parts: string[] = [];
  let y = headHeight;
  for (let first = 0; first < cards.length; first += columns) {
    const row = cards.slice(first, first + columns);
    row.forEach(({ svg }, column) => {
      parts.push(`<g transform="translate(${gap + column * (cardWidth + gap)} ${y})">${svg}</g>`);
    });
    y += Math.max(...row.map(({ height }) => height)) + gap;
  }
  return { svg: parts.join('\n'), bottom: y };
}

const legendItems: readonly (readonly [GraphTone, string])[] = [
  ['good', 'Healthy'],
  ['poor', 'Degraded'],
  ['bad', 'Unhealthy, conflict'],
];
const itemWidths = legendItems.map(([, label]) => textWidth(label, 12) + 36);
const legendWidth = Math.ceil(itemWidths.reduce((sum, width) => sum + width, 0));

function legend(left: number): string {
  let x = left;
  return legendItems
    .map(([tone, label], index) => {
      const { frame, paper: fill, ink: words } = toneColours[tone];
      const at = x;
      x += itemWidths[index] ?? 0;
      const item = { x: at, y: 44, width: (itemWidths[index] ?? 0) - 8, height: 22, fill, stroke: frame };
      return box(item, text(label, { x: at + 10, y: 59, width: item.width - 12, fill: words }));
    })
    .join('');
}

function sumOf(nodes: readonly GraphNode[]): string {
  const drawn = nodes.flatMap(({ parents }) => parents.flatMap((parent) => parent.resources));
  const resources = drawn.filter(({ isLeftBehind }) => !isLeftBehind);
  const held = drawn.reduce((sum, resource) => sum + (resource.held ?? 0), 0);
  const wrong = [...resources, ...nodes.flatMap(({ remarks }) => remarks)].filter(({ tone }) => tone === 'bad').length;
  return [
    count(nodes.length, 'node'),
    count(resources.length, 'resource'),
    `${count(held, 'device')} held`,
    ...(wrong === 0 ? [] : [count(wrong, 'problem')]),
  ].join(', ');
}

/** A part of a picture, with its origin in the upper left corner. */
interface Drawing {
  readonly height: number;
  readonly svg: string;
}

const cardWidth = 420;

const margin = 12;
const lineGap = 8;
const parentWidth = 112;
const resourceLeft = margin + parentWidth + 36;
const resourceWidth = cardWidth - resourceLeft - margin;
const inset = 8;
const lineHeight = 17;

/**
 * Draws a node as a card: parents on the left, the resources of each parent to the right of it, and problems at the
 * bottom.
 */
function drawNode(node: GraphNode): Drawing {
  const { name, source, parents, unused, remarks } = node;
  const parts: string[] = [];
  let y = 56;
  for (const part of [...parents.map(drawParent), ...unusedPart(parents, unused), ...remarks.map(drawRemark)]) {
    parts.push(`<g transform="translate(0 ${y})">${part.svg}</g>`);
    y += part.height + lineGap;
  }
  const height = y + margin - lineGap;
  const isBad = remarks.some(({ tone }) => tone === 'bad');
  const frame = isBad ? toneColours.bad.frame : paper.line;
  const inside = cardWidth - 2 * margin;
  const head = [
    text(name, { x: margin, y: 24, width: inside, size: 15, isBold: true, fill: ink.strong }),
    text(source, { x: margin, y: 43, width: inside, fill: ink.faint }),
  ];
  const card = { x: 0, y: 0, width: cardWidth, height, fill: paper.card, stroke: frame, strokeWidth: isBad ? 2 : 1 };
  return { height, svg: box(card, ...head, ...parts) };
}

function drawParent({ name, detail, tone, resources }: GraphParent): Drawing {
  const drawings = resources.map(drawResource);
  const ends = drawings.map((_, index) =>
    drawings.slice(0, index).reduce((sum, { height }) => sum + height + lineGap, 0),
  );
  const height = drawings.reduce((sum, drawing) => sum + drawing.height + lineGap, -lineGap);
  const own = detail === '' ? 30 : 46;
  const top = (height - own) / 2;
  const { frame, paper: fill, ink: words } = toneColours[tone];
  const width = parentWidth - 2 * inset;
  const parent = box(
    { x: margin, y: top, width: parentWidth, height: own, fill: tone === 'plain' ? paper.parent : fill, stroke: frame },
    text(name, { x: margin + inset, y: top + 20, width, isBold: true, fill: ink.strong }),
    detail === ''
      ? ''
      : text(detail, { x: margin + inset, y: top + 37, width, fill: tone === 'plain' ? ink.faint : words }),
  );
  const lines = drawings.map((drawing, index) => {
    const middle = (ends[index] ?? 0) + drawing.height / 2;
    return connection(margin + parentWidth, top + own / 2, resourceLeft, middle, frame);
  });
  const boxes = drawings.map(
    (drawing, index) => `<g transform="translate(${resourceLeft} ${ends[index]})">${drawing.svg}</g>`,
  );
  return { height, svg: [...lines, parent, ...boxes].join('') };
}

function drawResource({ name, detail, tone, trouble, held, quantity, isLeftBehind }: GraphResource): Drawing {
  const colours = toneColours[tone];
  const height = 54 + (trouble === '' ? 0 : lineHeight);
  const width = resourceWidth - 2 * inset;
  const count = isLeftBehind ? `${held} held` : `${held ?? '?'}/${quantity} held`;
  const countWidth = 104;
  const share = quantity === 0 ? ((held ?? 0) > 0 ? 1 : 0) : Math.min(1, (held ?? 0) / quantity);
  return {
    height,
    svg: box(
      { x: 0, y: 0, width: resourceWidth, height, fill: colours.paper, stroke: colours.frame },
      text(name, { x: inset, y: 20, width: width - countWidth - 4, isBold: true, fill: ink.strong }),
      text(count, { x: resourceWidth - inset, y: 20, width: countWidth, isAtEnd: true, fill: ink.strong }),
      text(detail, { x: inset, y: 37, width, fill: ink.faint }),
      trouble === '' ? '' : text(trouble, { x: inset, y: 54, width, fill: colours.ink }),
      bar(inset, height - 10, width, paper.empty),
      // The minimum width makes even one held device of 4000 visible.
      share === 0 ? '' : bar(inset, height - 10, Math.max(4, share * width), colours.frame),
    ),
  };
}

function unusedPart(parents: readonly GraphParent[], unused: readonly string[]): readonly Drawing[] {
  const note = unused.length > 0 ? `unused: ${unused.join(', ')}` : parents.length === 0 ? 'no resources' : undefined;
  if (note === undefined) return [];
  return [
    { height: lineHeight, svg: text(note, { x: margin, y: 13, width: cardWidth - 2 * margin, fill: ink.faint }) },
  ];
}

function drawRemark({ tone, title, detail }: GraphRemark): Drawing {
  const { frame, paper: fill, ink: words } = toneColours[tone];
  const width = cardWidth - 2 * margin;
  const options = { x: margin + inset, width: width - 2 * inset, fill: words };
  const lines = wrapText(detail, textSize, options.width, 4);
  const height = 29 + lines.length * lineHeight;
  return {
    height,
    svg: box(
      { x: margin, y: 0, width, height, fill, stroke: frame },
      text(title, { ...options, y: 19, isBold: true }),
      ...lines.map((line, index) => text(line, { ...options, y: 36 + index * lineHeight })),
    ),
  };
}
