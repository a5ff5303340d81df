// SPDX-License-Identifier: Apache-2.0
import { cardWidth, type Drawing, drawNode } from './draw-node.ts';
import { textWidth } from './fit-text.ts';
import type { GraphNode, GraphTone } from './graph-node.ts';
import { ink, paper, toneColours } from './palette.ts';
import { box, escapeXML, text } from './shapes.ts';

const gap = 20;
const headHeight = 78;

/** As wide as most screens are: nobody is to scroll both ways. */
const widest = 4;

/**
 * Nodes as a picture of its own, SVG 1.1 without scripts, styles or anything from elsewhere: cards in rows, in the order
 * given. Nothing in it is a name that was not escaped.
 */
export function drawGraph(nodes: readonly GraphNode[], where: string): string {
  const cards = nodes.map(drawNode);
  const columns = Math.max(1, Math.min(widest, Math.ceil(Math.sqrt(cards.length)), cards.length));
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

/** Each row is as high as its highest card. */
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
  const held = resources.reduce((sum, resource) => sum + (resource.held ?? 0), 0);
  const wrong = [...resources, ...nodes.flatMap(({ remarks }) => remarks)].filter(({ tone }) => tone === 'bad').length;
  return [
    count(nodes.length, 'node'),
    count(resources.length, 'resource'),
    `${count(held, 'device')} held`,
    ...(wrong === 0 ? [] : [count(wrong, 'problem')]),
  ].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
