// SPDX-License-Identifier: Apache-2.0
import type { Config } from './read-config.ts';
import type { LastProperty } from './scan-config.ts';

/** A key that an object of the config gets: `{ object: 'plugins[1]', key: 'mode', value: 'bridge' }`. */
export interface NewKey {
  /** The object at the top is `''`. It has properties already, and this one not. */
  readonly object: string;
  readonly key: string;
  readonly value: string;
}

/** A gap longer than any indentation is not worth repeating. */
const maxGap = 200;

/**
 * Writes keys behind the last one of their objects, spaced and indented as that one is; every other character of the
 * text stays. A text on one line stays on one line.
 *
 * @example '{"type":"macvtap"}' becomes '{"type":"macvtap","mode":"bridge"}'
 */
export function addKeys({ text, layout }: Config, keys: readonly NewKey[]): string {
  const insertions = [...Map.groupBy(keys, ({ object }) => object)]
    .map(([object, added]) => {
      const last = layout.objects.get(object) as LastProperty;
      const colon = /^[ \t]*:[ \t]*$/.test(last.colon) ? last.colon : ': ';
      const gap = gapFor(last, colon);
      const written = added.map(({ key, value }) => `,${gap}${JSON.stringify(key)}${colon}${JSON.stringify(value)}`);
      return { offset: last.end, written: written.join('') };
    })
    .sort((left, right) => left.offset - right.offset);
  const parts = insertions.map(
    ({ offset, written }, index) => text.slice(insertions[index - 1]?.offset, offset) + written,
  );
  return [...parts, text.slice(insertions.at(-1)?.offset)].join('');
}

/** Behind the brace of `{"type": "macvtap"}` nothing stands; behind a comma such a writer would put a space. */
function gapFor({ gap, only }: LastProperty, colon: string): string {
  if (gap.length > maxGap) return ' ';
  return only && gap === '' && colon.endsWith(' ') ? ' ' : gap;
}
