// SPDX-License-Identifier: Apache-2.0

/** The path of keys to a list, or to a map with text keys, in a JSON value. */
export type Path = readonly (string | number)[];

/** Returns the paths of every list and map in a value, except empty ones. */
export function growable(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Object.keys(value).length > 0 ? [path] : [];
  const entries = Array.isArray(value) ? value.map((item, i) => [i, item] as const) : Object.entries(value);
  return [...own, ...entries.flatMap(([key, item]) => growable(item, [...path, key]))];
}

/** Returns every pair of lists in which neither list is inside the other. */
export function pairsOf(value: unknown): readonly (readonly [Path, Path])[] {
  const lists = growable(value).filter((path) => Array.isArray(valueAt(value, path)));
  const isInside = (inner: Path, outer: Path) => outer.every((key, i) => key === inner[i]);
  return lists.flatMap((one, i) =>
    lists
      .slice(i + 1)
      .flatMap((other) => (isInside(other, one) || isInside(one, other) ? [] : [[one, other] as const])),
  );
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((parent, key) => (parent as Record<string | number, unknown>)[key], value);
}

/**
 * Returns the value with `count` members in the given list or map, made from its last member. With `isEqual`, all
 * members are equal. Otherwise, each member's number is added to its names and to its link indexes. If a field contains
 * the index of another link, the members then form a chain.
 */
export function grow(value: unknown, [key, ...rest]: Path, count: number, isEqual: boolean): unknown {
  if (key !== undefined) {
    const inner = grow((value as Record<string | number, unknown>)[key], rest, count, isEqual);
    return Array.isArray(value) ? value.with(Number(key), inner) : { ...(value as object), [key]: inner };
  }
  const numbered = Array.from({ length: count }, (_, i) => i);
  if (Array.isArray(value)) return numbered.map((i) => (isEqual ? value.at(-1) : differ(value.at(-1), i)));
  const [[name, member] = ['a', null]] = Object.entries(value as object);
  return { ...(value as object), ...Object.fromEntries(numbered.map((i) => [`${name}${i}`, member])) };
}

function differ(value: unknown, i: number): unknown {
  if (typeof value === 'string') return `${value}${i}`;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (typeof member === 'number' && /index$/i.test(key)) return [key, member + i];
      if (typeof member === 'string' && /^(name|key|resourceName|interface)$/.test(key)) return [key, `${member}${i}`];
      return [key, member];
    }),
  );
}

/**
 * Yields copies of a value as JSON text. In each copy, one inner value is replaced with a list or a map that is `depth`
 * levels deep.
 */
export function* deepened(value: unknown, depth: number): Generator<string, void, undefined> {
  const [list, map] = [`${'['.repeat(depth)}${']'.repeat(depth)}`, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`];
  // JSON.stringify itself would overflow the stack, so the deep text replaces a short one.
  const mark = '@deep@';
  for (const path of growable(value)) {
    for (const key of Object.keys(valueAt(value, path) as object)) {
      const marked = JSON.stringify(replaced(value, [...path, key], mark));
      for (const deep of [list, map]) yield marked.replace(`"${mark}"`, deep);
    }
  }
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  const inner = replaced((value as Record<string | number, unknown>)[key], rest, by);
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...(value as object), [key]: inner };
}
