// SPDX-License-Identifier: Apache-2.0

/** `"__proto__"` as a key, also with escapes in it; a match inside a text only costs time. */
const suspicious =
  /"(?:_|\\u005[Ff]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[Ff])(?:t|\\u0074)(?:o|\\u006[Ff])(?:_|\\u005[Ff]){2}"/;

/**
 * Parses a body. Keys named `__proto__` are left out: no kind of ours has such a field, and a copy that a library makes of
 * an object would take its value for a prototype. Raises SyntaxError.
 */
export function parseBody(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (suspicious.test(text)) removePrototypeKeys(value);
  return value;
}

/** Without recursion, since a body may be as deep as it likes. */
function removePrototypeKeys(value: unknown): void {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Object.hasOwn(next, '__proto__')) Reflect.deleteProperty(next, '__proto__');
    // Not spread into push(): a list may have more items than a call may have arguments.
    for (const item of Object.values(next)) left.push(item);
  }
}
