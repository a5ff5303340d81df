// SPDX-License-Identifier: Apache-2.0

/** What an event's text may have in UTF-8 (NoteLengthLimit in k8s.io/kubernetes pkg/apis/core/validation/events.go). */
const longestNoteBytes = 1_024;

/** The text in one line that an event can hold; one that is cut ends with `…`. */
export function clipNote(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  if (Buffer.byteLength(line) <= longestNoteBytes) return line;
  const room = new Uint8Array(longestNoteBytes - Buffer.byteLength('…'));
  // Whole characters only: what does not fit is not begun.
  const { read } = new TextEncoder().encodeInto(line, room);
  return `${line.slice(0, read).trimEnd()}…`;
}
