// SPDX-License-Identifier: Apache-2.0
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { BodyBudget, BodyShare } from './body-budget.ts';
import { ClientGone, type IntakeLimits, RequestRefused } from './limits.ts';

export interface ReadBodyOptions {
  readonly source: Readable;
  /** The request's Content-Length; undefined if the body is chunked. */
  readonly length: number | undefined;
  readonly client: string;
  readonly budget: BodyBudget;
  readonly limits: IntakeLimits;
}

/** A complete body and its share of the budget. The caller must release the share. */
export interface ReadBody {
  readonly body: Buffer;
  readonly share: BodyShare;
}

/**
 * Reads a body. Its bytes count against the budget before they are in memory: all at once if there is a Content-Length,
 * otherwise as the body grows. Calls `done` once. The error is RequestRefused if the body is too large, too slow, or
 * dropped to make room for another body. It is ClientGone if the client disconnects.
 */
export function readBody(options: ReadBodyOptions, done: (error: Error | undefined, read?: ReadBody) => void) {
  const { source, length, client, budget, limits } = options;
  if (length !== undefined && length > limits.bodyBytes) return done(tooLarge(limits));
  const share = budget.reserve(client, limits.bodyOverheadBytes + (length ?? 0));
  if (share === undefined) return done(noRoom());
  const chunks: Buffer[] = [];
  let [received, counted] = [0, 0];
  let isOver = false;

  const end = (error: Error | undefined): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(deadline);
    clearInterval(progress);
    share.onDrop = () => {};
    if (error === undefined) {
      share.complete();
      const [first] = chunks;
      const body = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
      // The request's listeners keep this list. A body that waits would otherwise be in memory twice.
      chunks.length = 0;
      done(undefined, { body, share });
      return;
    }
    chunks.length = 0;
    share.release();
    // Discards the rest of the body until the answer closes the connection.
    source.resume();
    done(error);
  };
  const deadline = setTimeout(() => end(tooSlow()), limits.bodyMs);
  const progress = setInterval(() => {
    if (received - counted < limits.progressBytes) end(tooSlow());
    counted = received;
  }, limits.progressMs);
  share.onDrop = () => end(noRoom());
  source.on('data', (chunk: Buffer) => {
    if (isOver) return;
    received += chunk.length;
    if (received > limits.bodyBytes) end(tooLarge(limits));
    else if (length === undefined && !share.grow(chunk.length)) end(noRoom());
    else chunks.push(chunk);
  });
  source.on('end', () => end(undefined));
  const disconnect = (): void => {
    // Each request ends with `close`. An error has a stack trace, so creating one each time would be slow.
    if (!isOver) end(new ClientGone('the client disconnected before the body was complete'));
  };
  source.on('close', disconnect);
  // Stays until the stream ends: without an `error` listener, a stream throws its errors. A request has no other error
  // than the end of its connection.
  source.on('error', disconnect);
}

/** Returns whether a request has no body, or an empty one. */
export function hasNoBody(headers: IncomingHttpHeaders): boolean {
  if (headers['content-type'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
  return headers['content-length'] === undefined || headers['content-length'] === '0';
}

/** Returns whether a content type is JSON, with any parameters. */
export function isJson(type: string | undefined): boolean {
  return type === 'application/json' || (type !== undefined && /^application\/json[ \t]*(;|$)/i.test(type));
}

function tooLarge({ bodyBytes }: IntakeLimits): RequestRefused {
  return new RequestRefused('body-size', 413, `the body has more than ${bodyBytes} bytes`);
}

function tooSlow(): RequestRefused {
  return new RequestRefused('body-slow', 408, 'the body arrived too slowly; try again');
}

function noRoom(): RequestRefused {
  return new RequestRefused('bytes', 503, 'too many bytes are in flight; try again');
}

/** Matches the key `"__proto__"`, also with escapes. A match inside a string value is harmless: it only costs time. */
const suspicious =
  /"(?:_|\\u005[Ff]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[Ff])(?:t|\\u0074)(?:o|\\u006[Ff])(?:_|\\u005[Ff]){2}"/;

/**
 * Parses a body and removes keys named `__proto__`. No reviewed kind has such a field, and a library that copies an
 * object would use the value as a prototype. Raises SyntaxError.
 */
export function parseBody(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (maySpell(text) && suspicious.test(text)) removePrototypeKeys(value);
  return value;
}

/**
 * Returns false if no key of a text can be `__proto__`. Every spelling of this key contains the key itself, or an
 * escape of one of its letters. This check is much faster than the pattern, and it suffices for most bodies.
 */
function maySpell(text: string): boolean {
  // V8 finds two characters much faster than nine.
  return (text.includes('__') && text.includes('__proto__')) || text.includes('\\u00');
}

/** Removes keys named `__proto__` without recursion, because a body may be nested deeply. */
function removePrototypeKeys(value: unknown): void {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Object.hasOwn(next, '__proto__')) Reflect.deleteProperty(next, '__proto__');
    // Not `push(...values)`: a list can have more items than a call can have arguments.
    for (const item of Object.values(next)) left.push(item);
  }
}

const [quote, backslash, comma, colon, bracket, brace] = Buffer.from('"\\,:[{');

/** Returns whether a body has more than `most` JSON values. Counts commas, colons and brackets instead of parsing. */
export function hasMoreValues(body: Uint8Array, most: number): boolean {
  let count = 1;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === quote) at = endOfText(body, at);
    else if (byte === comma || byte === colon || byte === bracket || byte === brace) count += 1;
    if (count > most) return true;
  }
  return false;
}

/** Returns the index of the closing quote of the string that begins at `start`. */
function endOfText(body: Uint8Array, start: number): number {
  for (let at = start + 1; at < body.length; at += 1) {
    if (body[at] === backslash) at += 1;
    else if (body[at] === quote) return at;
  }
  return body.length;
}
