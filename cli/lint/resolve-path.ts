// SPDX-License-Identifier: Apache-2.0
import { isRecord } from '../../cluster/objects/known-object.ts';
import { shorten } from '../../policy/quote.ts';

/** A place of a document. */
export type Path = readonly (string | number)[];

/**
 * The place that a verdict's path names, as far down as it exists, and what of the path is left. A path is a text for a
 * person: keys with dots stand in it as they are, in brackets or not, and long ones are cut. So it is read along the
 * value, and of several keys that fit the longest is meant.
 *
 * @example resolvePath({ spec: { config: '{}' } }, 'spec.config.mode') gives { keys: ['spec', 'config'], rest: '.mode' }
 */
export function resolvePath(value: unknown, path: string): { readonly keys: Path; readonly rest: string } {
  const keys: (string | number)[] = [];
  let rest = path;
  for (let at = value; rest !== ''; ) {
    const step = stepInto(at, rest);
    if (step === undefined) break;
    keys.push(step.key);
    rest = rest.slice(step.length);
    at = (at as Record<string | number, unknown>)[step.key];
  }
  return { keys, rest };
}

interface Step {
  readonly key: string | number;
  /** Of what names it in the path. */
  readonly length: number;
}

function stepInto(value: unknown, rest: string): Step | undefined {
  if (Array.isArray(value)) {
    const [text, digits] = /^\[(\d+)\]/.exec(rest) ?? [];
    return text !== undefined && Number(digits) < value.length
      ? { key: Number(digits), length: text.length }
      : undefined;
  }
  if (!isRecord(value)) return undefined;
  return Object.keys(value)
    .flatMap((key) => nameIn(rest, key))
    .reduce<Step | undefined>((longest, step) => (step.length > (longest?.length ?? 0) ? step : longest), undefined);
}

/** How a key stands at the beginning of a path: `key`, `.key` or `[key]`, and then an end. */
function nameIn(rest: string, key: string): readonly Step[] {
  return [`[${key}]`, ...[key, shorten(key)].flatMap((name) => [name, `.${name}`])]
    .filter((name) => rest.startsWith(name) && /^([.[]|$)/.test(rest.slice(name.length, name.length + 1)))
    .map((name) => ({ key, length: name.length }));
}
