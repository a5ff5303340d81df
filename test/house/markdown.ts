// SPDX-License-Identifier: Apache-2.0

/** Text in a page that is not prose: between fences, or indented by four spaces. */
export interface CodeBlock {
  /** The number of its first line, from 1. */
  readonly line: number;
  /** The text after the opening fence: `yaml`, `text`; undefined for an indented block. */
  readonly language: string | undefined;
  /** The text without the fences and the indentation. */
  readonly text: string;
}

export interface Page {
  readonly blocks: readonly CodeBlock[];
  /** The lines outside of blocks, with their numbers from 1. */
  readonly prose: readonly { readonly line: number; readonly text: string }[];
}

/**
 * Splits a page as CommonMark does, as far as these pages need it. A block in a list item is indented by four spaces
 * more than the item's text.
 */
export function readPage(text: string): Page {
  const blocks: CodeBlock[] = [];
  const prose: { line: number; text: string }[] = [];
  const lines = text.split('\n');
  /** How far a list item indents its content. */
  let item = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    const fence = /^( *)```(\w*)\s*$/.exec(line);
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    const isAfterBlank = at === 0 || lines[at - 1]?.trim() === '';
    if (fence !== null) {
      const end = lines.findIndex((other, index) => index > at && other.trim() === '```');
      if (end === -1) throw new Error(`line ${at + 1}: a fence that is not closed`);
      const content = lines.slice(at + 1, end).map((other) => other.slice(fence[1]?.length));
      blocks.push({ line: at + 2, language: fence[2] as string, text: content.join('\n') });
      at = end;
    } else if (isAfterBlank && line.trim() !== '' && indent >= item + 4) {
      let end = at;
      while (end + 1 < lines.length && /^( {4}|\s*$)/.test(lines[end + 1] as string)) end += 1;
      const content = lines.slice(at, end + 1).map((other) => other.slice(item + 4));
      blocks.push({ line: at + 1, language: undefined, text: content.join('\n').trimEnd() });
      at = end;
    } else {
      prose.push({ line: at + 1, text: line });
      const [marker] = /^ *(?:[-*]|\d+\.) +/.exec(line) ?? [];
      if (marker !== undefined) item = marker.length;
      else if (line.trim() !== '' && indent === 0) item = 0;
    }
  }
  return { blocks, prose };
}

/** Returns the targets of a page's links, as written, with their lines. */
export function linksOf({ prose }: Page): readonly { readonly line: number; readonly target: string }[] {
  return prose.flatMap(({ line, text }) =>
    [...withoutCode(text).matchAll(/!?\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src="([^"]+)"|srcset="([^"]+)"/g)].map(
      ([, target, source, set]) => ({ line, target: target ?? source ?? set ?? '' }),
    ),
  );
}

/**
 * Returns the anchors of a page: those of its headings, as GitHub makes them, and those written as `<a id="…"></a>`.
 */
export function anchorsOf({ prose }: Page): readonly string[] {
  const written = prose.flatMap(({ text }) =>
    [...withoutCode(text).matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = '']) => id),
  );
  return [...headingAnchors(prose), ...written];
}

function headingAnchors(prose: Page['prose']): readonly string[] {
  const seen = new Map<string, number>();
  return prose
    .map(({ text }) => /^#{1,6} +(.+?) *$/.exec(text)?.[1])
    .filter((heading) => heading !== undefined)
    .map((heading) => {
      const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    });
}

function withoutCode(text: string): string {
  return text.replaceAll(/`[^`]*`/g, (code) => ' '.repeat(code.length));
}
