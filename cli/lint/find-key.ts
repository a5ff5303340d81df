// SPDX-License-Identifier: Apache-2.0
import { readTokens } from '../../policy/nad/json-tokens.ts';
import type { Path } from './resolve-path.ts';

/** An object or a list that is still open, and where in it we are. */
interface Frame {
  readonly isList: boolean;
  at: string | number;
}

/**
 * Where in a JSON text the key or item stands at which a path ends, or the nearest around it that exists. Of a key that
 * stands twice the last one counts, as it does for who reads the text. Read token by token: no depth overflows a stack.
 *
 * @example findKey('{"a": [{"b": 1}]}', ['a', 0, 'b']) gives 8
 */
export function findKey(text: string, path: Path): number {
  const next = readTokens(text);
  const frames: Frame[] = [];
  let found = 0;
  let isKey = false;
  for (let token = next(); token.kind !== '$'; token = next()) {
    const frame = frames.at(-1);
    if (token.kind === '}' || token.kind === ']') {
      frames.pop();
      isKey = false;
      continue;
    }
    if (token.kind === ',') {
      if (frame?.isList) frame.at = Number(frame.at) + 1;
      isKey = frame?.isList === false;
      continue;
    }
    if (isKey && frame !== undefined) frame.at = token.value;
    if ((isKey || frame?.isList) && isPrefix(frames, path)) found = token.offset;
    isKey = token.kind === '{';
    if (token.kind === '{' || token.kind === '[') frames.push({ isList: token.kind === '[', at: isKey ? '' : 0 });
  }
  return found;
}

function isPrefix(frames: readonly Frame[], path: Path): boolean {
  return frames.length <= path.length && frames.every(({ at }, depth) => at === path[depth]);
}
