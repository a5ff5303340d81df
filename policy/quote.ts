// SPDX-License-Identifier: Apache-2.0

/** A message names a value; it does not repeat two megabytes of it. */
const maxLength = 40;

/** A value from a JSON text as a message shows it: `"9000"`, `1.5`, `null`, `a list`, and long text cut: `"aaaa…"`. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Cuts a text that is shown as it stands. */
export function shorten(text: string): string {
  return text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}…` : text;
}
