// SPDX-License-Identifier: Apache-2.0

/**
 * What the API server lets through, in characters (runes): longer warnings are cut once all together are above the
 * total, and what is left over is dropped. apiserver/pkg/endpoints/filters/warning.go: truncateItemRunes,
 * truncateAtTotalRunes.
 */
const itemLimit = 256;
const totalLimit = 4_096;

/** Enough for `… 99999 more warnings were left out`. */
const noticeLength = 40;

/**
 * Warnings as they may be sent: each at most 256 characters and 4,096 in all, on one line, cut at a character's
 * boundary; repeats once. When some do not fit, the last one says how many were left out.
 */
export function limitWarnings(texts: readonly string[]): readonly string[] {
  const all = [...new Set(texts.map((text) => cutText(text, itemLimit)))];
  const lengths = all.map(lengthOf);
  if (lengths.reduce((sum, length) => sum + length, 0) <= totalLimit) return all;
  const kept: string[] = [];
  let left = totalLimit - noticeLength;
  for (const [index, text] of all.entries()) {
    left -= lengths[index] as number;
    if (left < 0) break;
    kept.push(text);
  }
  return [...kept, `… ${all.length - kept.length} more warnings were left out`];
}

/**
 * A text on one line and at most so long, in characters; a cut shows as `…`. Control characters become spaces: Go refuses
 * them in a Warning header (apimachinery/pkg/util/net, NewWarningHeader), and a line break would forge a line.
 */
export function cutText(text: string, limit: number): string {
  // What is far too long is cut first: it may be megabytes. A character has at most two units.
  const line = text
    .slice(0, 2 * limit + 2)
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
  if (line.length <= limit) return line;
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join('')}…`;
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
