// SPDX-License-Identifier: Apache-2.0
import type { NicSelector } from '../nodepolicy/rule.ts';
import type { InterfaceFacts } from './interfaces.ts';

/** The fields of a NIC selector that contain globs. */
export const globFields = ['names', 'pciAddresses', 'macAddresses'] as const;

export type GlobField = (typeof globFields)[number];

/** All fields of the schema's NIC selector and of its `exclude`. */
export type FieldOf<Selector extends { readonly exclude?: object }> =
  | keyof Selector
  | keyof NonNullable<Selector['exclude']>;

/**
 * A parsed NIC selector: globs are compiled, IDs are in lower case without 0x. An absent field matches every interface.
 */
export interface NicMatcher {
  readonly names?: readonly Glob[];
  readonly drivers?: readonly string[];
  readonly pciAddresses?: readonly Glob[];
  readonly vendorIDs?: readonly string[];
  readonly deviceIDs?: readonly string[];
  readonly macAddresses?: readonly Glob[];
  readonly numaNodes?: readonly number[];
  readonly defaultRoute?: boolean;
  readonly exclude?: NicMatcher;
}

/**
 * One comparison for each field. `numaNodes` are those of the interface; for a bond, they include those of its members.
 */
export type FieldMatches<Selector extends { readonly exclude?: object }> = {
  readonly [Field in FieldOf<Selector>]: (
    matcher: NicMatcher,
    nic: InterfaceFacts,
    numaNodes: readonly number[],
  ) => boolean;
};

/** Compares each field. Type checking fails if a field of the schema is missing from this list. */
export const fieldMatches = {
  names: ({ names }, { name, altNames }) =>
    matchesGlob(name, names) || (altNames?.some((each) => matchesGlob(each, names)) ?? false),
  drivers: ({ drivers }, { driver }) => isOneOf(driver, drivers),
  pciAddresses: ({ pciAddresses }, { pciAddress }) => matchesGlob(pciAddress?.toLowerCase(), pciAddresses),
  vendorIDs: ({ vendorIDs }, { vendorID }) => isOneOf(vendorID?.toLowerCase(), vendorIDs),
  deviceIDs: ({ deviceIDs }, { deviceID }) => isOneOf(deviceID?.toLowerCase(), deviceIDs),
  macAddresses: ({ macAddresses }, { permanentMACAddress, macAddress }) =>
    matchesGlob((permanentMACAddress ?? macAddress)?.toLowerCase(), macAddresses),
  numaNodes: ({ numaNodes }, _nic, present) =>
    numaNodes === undefined || numaNodes.some((node) => present.includes(node)),
  defaultRoute: ({ defaultRoute }, nic) => defaultRoute === undefined || defaultRoute === nic.defaultRoute,
  exclude: ({ exclude }, nic, numaNodes) => exclude === undefined || !matchNic(nic, numaNodes, exclude),
} as const satisfies FieldMatches<NicSelector>;

const comparisons = Object.values(fieldMatches);

/**
 * Compiles a glob for its field. Globs for addresses are in lower case, because addresses are compared in lower case.
 */
export function compileNicGlob(field: GlobField, pattern: string): Glob {
  return compileGlob(field === 'names' ? pattern : pattern.toLowerCase());
}

/**
 * Returns whether a selector selects an interface. All fields must match (AND); a field matches if one of its values
 * does (OR). An interface that `exclude` matches by the same rules is not selected.
 */
export function matchNic(nic: InterfaceFacts, numaNodes: readonly number[], matcher: NicMatcher): boolean {
  return comparisons.every((matches) => matches(matcher, nic, numaNodes));
}

function matchesGlob(text: string | undefined, globs: readonly Glob[] | undefined): boolean {
  if (globs === undefined) return true;
  return text !== undefined && globs.some((glob) => 'matches' in glob && glob.matches(text));
}

function isOneOf(value: string | undefined, values: readonly string[] | undefined): boolean {
  if (values === undefined) return true;
  return value !== undefined && values.includes(value);
}

/** A compiled glob, or the reason why the text is not a glob. */
export type Glob = { readonly matches: (text: string) => boolean } | { readonly fault: string };

/** One element of a pattern: any sequence of characters (`*`), or a predicate for one character. */
type Element = 'run' | ((character: string) => boolean);

/**
 * Compiles a shell glob as fnmatch(3) interprets it without flags: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a
 * literal character. The whole text must match. Matching takes at most pattern × text steps.
 */
export function compileGlob(pattern: string): Glob {
  const elements: Element[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '*') {
      if (elements.at(-1) !== 'run') elements.push('run');
    } else if (character === '?') {
      elements.push(() => true);
    } else if (character === '\\') {
      const literal = characters[at + 1];
      if (literal === undefined) return { fault: `${pattern}: the last backslash escapes nothing` };
      elements.push((other) => other === literal);
      at += 1;
    } else if (character === '[') {
      const set = compileSet(characters, at);
      if ('fault' in set) return { fault: `${pattern}: ${set.fault}` };
      elements.push(set.contains);
      at = set.end;
    } else {
      elements.push((other) => other === character);
    }
  }
  if (!/[*?[\\]/.test(pattern)) return { matches: (text) => text === pattern };
  return { matches: (text) => matchElements(elements, charactersOf(text)) };
}

/** Returns the characters of a text. A string without surrogate pairs is returned unchanged, which saves a copy. */
function charactersOf(text: string): ArrayLike<string> {
  return /[\ud800-\udfff]/.test(text) ? [...text] : text;
}

/**
 * Compiles the bracket expression that starts at `start`. As in the shell, `]` is literal right after `[` or `[!`, and
 * any character is literal after a backslash. Classes such as `[:digit:]` are rejected, because as plain characters
 * they would match something else.
 */
function compileSet(
  characters: readonly string[],
  start: number,
): { contains: (character: string) => boolean; end: number } | { fault: string } {
  let at = start + 1;
  const negated = characters[at] === '!' || characters[at] === '^';
  if (negated) at += 1;
  const ranges: (readonly [string, string])[] = [];
  for (let first = true; first || characters[at] !== ']'; first = false) {
    if (characters[at] === '[' && /^[:.=]$/.test(characters[at + 1] ?? '')) {
      return { fault: `[${characters[at + 1]} opens a class, which is not known here; write the range` };
    }
    const low = readMember(characters, at);
    const isRange = characters[low.next] === '-' && characters[low.next + 1] !== ']';
    const high = isRange ? readMember(characters, low.next + 1) : low;
    if (low.character === undefined || high.character === undefined) return { fault: 'the bracket is not closed' };
    if (low.character > high.character) return { fault: `the range ${low.character}-${high.character} is reversed` };
    ranges.push([low.character, high.character]);
    at = high.next;
  }
  const contains = (character: string) =>
    ranges.some(([low, high]) => low <= character && character <= high) !== negated;
  return { contains, end: at };
}

/**
 * Returns the character at a position inside a bracket and the position after it. Past the end, the character is
 * undefined.
 */
function readMember(characters: readonly string[], at: number): { character: string | undefined; next: number } {
  const place = characters[at] === '\\' ? at + 1 : at;
  return { character: characters[place], next: place + 1 };
}

/** Backtracks only to the last `*`, which is enough for globs. */
function matchElements(elements: readonly Element[], text: ArrayLike<string>): boolean {
  let element = 0;
  let at = 0;
  let runElement = -1;
  let runAt = 0;
  while (at < text.length) {
    const current = elements[element];
    if (current === 'run') {
      runElement = element;
      runAt = at;
      element += 1;
    } else if (current?.(text[at] as string)) {
      element += 1;
      at += 1;
    } else if (runElement >= 0) {
      runAt += 1;
      at = runAt;
      element = runElement + 1;
    } else {
      return false;
    }
  }
  while (elements[element] === 'run') element += 1;
  return element === elements.length;
}
