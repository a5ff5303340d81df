// SPDX-License-Identifier: Apache-2.0

import { type Material, maxLength, mutateBytes } from './mutate-bytes.ts';
import { jsonOf } from './target.ts';

/** A list or an object, and the key of one of its values. */
interface Place {
  readonly parent: Record<string, unknown>;
  readonly key: string;
}

const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  1e21,
  4_294_967_296,
  '',
  ' ',
  '0',
  '\u0000',
  '\u202e',
  'ſ',
  'K',
  '..',
  '*',
  [],
  {},
  [[]],
  [null],
  'a'.repeat(300),
];
const oddKeys = ['__proto__', 'constructor', 'toString', 'length', ''] as const;

/**
 * Returns JSON with one to four changed values or keys. If the input does not parse, and sometimes at random, changes
 * bytes instead.
 */
export function mutateJSON(input: Uint8Array, material: Material): Uint8Array {
  const { random } = material;
  const value = random.below(5) === 0 ? undefined : jsonOf(input);
  if (typeof value !== 'object' || value === null) return mutateBytes(input, material);
  const root: Record<string, unknown> = { root: value };
  for (let left = 1 + random.below(4); left > 0; left -= 1) changeOne(root, material);
  const text = stringify(root.root);
  return text === undefined || text.length > maxLength ? mutateBytes(input, material) : Buffer.from(text);
}

function changeOne(root: Record<string, unknown>, { random, words, corpus }: Material): void {
  const places = placesOf(root);
  if (places.length === 0) return;
  const { parent, key } = random.pick(places);
  const foreign = () => {
    const found = placesOf({ root: jsonOf(random.pick(corpus)) });
    return found.length === 0 ? null : structuredClone(valueAt(random.pick(found)));
  };
  const word = () => (words.length === 0 ? '' : Buffer.from(random.pick(words)).toString());
  switch (random.below(9)) {
    case 0:
      parent[key] = random.pick(odd);
      return;
    case 1:
      parent[key] = word();
      return;
    case 2:
      parent[key] = foreign();
      return;
    case 3:
      remove({ parent, key });
      return;
    case 4:
      parent[key] = repeat(parent[key], random.pick([2, 3, 16, 65, 257]));
      return;
    case 5:
      parent[key] = nest(parent[key], random.pick([1, 2, 16, 200]), random.below(2) === 0 ? undefined : key);
      return;
    case 6:
      if (!Array.isArray(parent)) rename(parent, key, random.pick([word(), key.toUpperCase(), ...oddKeys]));
      return;
    case 7: {
      const target = parent[key];
      if (isMap(target)) define(target, random.pick([word(), ...oddKeys]), foreign());
      else if (Array.isArray(target)) target.push(foreign());
      return;
    }
    default: {
      const old = parent[key];
      if (typeof old === 'number') parent[key] = old + random.pick([-1, 1, 0.5, 2 ** 31, -old]);
      else if (typeof old === 'string') {
        const at = random.below(old.length + 1);
        parent[key] =
          `${old.slice(0, at)}${random.pick([word(), 'é', '\u200b', ',', '/', '\\', '*', ''])}${old.slice(at + random.below(3))}`;
      } else parent[key] = foreign();
    }
  }
}

/** Returns at most a few hundred places, because more would only make the choice slower. */
function placesOf(root: Record<string, unknown>): readonly Place[] {
  const places: Place[] = [];
  const left: object[] = [root];
  for (let parent = left.shift(); parent !== undefined && places.length < 500; parent = left.shift()) {
    for (const [key, value] of Object.entries(parent)) {
      places.push({ parent: parent as Record<string, unknown>, key });
      if (typeof value === 'object' && value !== null) left.push(value);
    }
  }
  return places;
}

function valueAt({ parent, key }: Place): unknown {
  return parent[key];
}

function remove({ parent, key }: Place): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else Reflect.deleteProperty(parent, key);
}

/**
 * Returns a list that repeats a list's items, or any other value, `times` times, but no more often than fits in the
 * longest input.
 */
function repeat(value: unknown, times: number): unknown {
  const items = Array.isArray(value) ? value : [value];
  const length = stringify(items)?.length ?? maxLength;
  const count = Math.max(1, Math.min(times, Math.floor(maxLength / length)));
  return Array.from({ length: count }, () => structuredClone(items)).flat();
}

function nest(value: unknown, depth: number, key: string | undefined): unknown {
  let nested = value;
  for (let i = 0; i < depth; i += 1) nested = key === undefined ? [nested] : { [key]: nested };
  return nested;
}

function rename(parent: Record<string, unknown>, key: string, name: string): void {
  const value = parent[key];
  Reflect.deleteProperty(parent, key);
  define(parent, name, value);
}

/** Defines a property, even one named `__proto__`, which an assignment would treat as the prototype. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
