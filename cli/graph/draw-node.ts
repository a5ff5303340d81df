// SPDX-License-Identifier: Apache-2.0

import { wrapText } from './fit-text.ts';
import type { GraphNode, GraphParent, GraphRemark, GraphResource } from './graph-node.ts';
import { ink, paper, toneColours } from './palette.ts';
import { bar, box, connection, text, textSize } from './shapes.ts';

/** A part of a picture, drawn from its own upper left corner. */
export interface Drawing {
  readonly height: number;
  readonly svg: string;
}

export const cardWidth = 420;

const margin = 12;
const gap = 8;
const parentWidth = 112;
const resourceLeft = margin + parentWidth + 36;
const resourceWidth = cardWidth - resourceLeft - margin;
const inset = 8;
const lineHeight = 17;

/** A node as a card: its parents on the left, on each the resources that stand on it, below what is wrong. */
export function drawNode(node: GraphNode): Drawing {
  const { name, source, parents, unused, remarks } = node;
  const parts: string[] = [];
  let y = 56;
  for (const part of [...parents.map(drawParent), ...unusedPart(parents, unused), ...remarks.map(drawRemark)]) {
    parts.push(`<g transform="translate(0 ${y})">${part.svg}</g>`);
    y += part.height + gap;
  }
  const height = y + margin - gap;
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
  const ends = drawings.map((_, index) => drawings.slice(0, index).reduce((sum, { height }) => sum + height + gap, 0));
  const height = drawings.reduce((sum, drawing) => sum + drawing.height + gap, -gap);
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
  const count = isLeftBehind ? `${held} of ${quantity} held` : `${held ?? '?'}/${quantity} held`;
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
      // One of four thousand is to be seen, too.
      share === 0 ? '' : bar(inset, height - 10, Math.max(4, share * width), colours.frame),
    ),
  };
}

function unusedPart(parents: readonly GraphParent[], unused: readonly string[]): readonly Drawing[] {
  const told = unused.length > 0 ? `unused: ${unused.join(', ')}` : parents.length === 0 ? 'no resources' : undefined;
  if (told === undefined) return [];
  return [
    { height: lineHeight, svg: text(told, { x: margin, y: 13, width: cardWidth - 2 * margin, fill: ink.faint }) },
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
