// SPDX-License-Identifier: Apache-2.0

/** A compiled glob, or the reason why the text is none. */
export type Glob = { readonly matches: (text: string) => boolean } | { readonly fault: string };

/** One element of a pattern: any run (`*`), or a set of characters that one character must be in. */
type Element = 'run' | ((character: string) => boolean);

/**
 * Compiles a shell glob as fnmatch(3) reads it without flags: `*`, `?`, `[a-z]`, `[!a-z]` and `\` before a character
 * that stands for itself. The whole text must match. Matching takes at most pattern × text steps, whatever the pattern.
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

/** A string is its own list of characters, unless one of them takes two code units: this saves a copy for each match. */
function charactersOf(text: string): ArrayLike<string> {
  return /[\ud800-\udfff]/.test(text) ? [...text] : text;
}

/**
 * Reads `[…]` that opens at `start`; a `]` right after `[` or `[!` stands for itself, as in the shell, and so does what
 * a backslash precedes. Classes such as `[:digit:]` are refused: read as characters they would match something else.
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

/** The character at a place inside a bracket, and where the next one stands; undefined past the end. */
function readMember(characters: readonly string[], at: number): { character: string | undefined; next: number } {
  const place = characters[at] === '\\' ? at + 1 : at;
  return { character: characters[place], next: place + 1 };
}

/** Greedy with one point of return: only the newest run can be lengthened, which is enough for globs. */
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
