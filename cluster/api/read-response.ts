// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Answer } from './send-request.ts';

/** Far above a page of 500 objects of etcd's largest size as they really are; more must not exhaust the memory. */
const maxBodyLength = 256 * 1024 * 1024;

/** etcd takes requests of 1.5 MiB; an object in JSON can be some times its size in protobuf. */
const maxLineLength = 16 * 1024 * 1024;

/** The whole body: the value of JSON, else the text; undefined when it is empty. */
export async function readBody(answer: Answer): Promise<unknown> {
  const parts: string[] = [];
  let length = 0;
  for await (const part of readParts(answer)) {
    parts.push(part);
    length += part.length;
    if (length > maxBodyLength) throw tooLong(answer, 'the answer', maxBodyLength);
  }
  const text = parts.join('');
  if (text === '') return undefined;
  const isJson = /\bjson\b/.test(answer.response.headers['content-type'] ?? '');
  if (!isJson) return text;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new MacvtapError('ApiServerMalformed', `${answer.what}: no JSON: ${(thrown as Error).message}`, {
      cause: thrown,
    });
  }
}

/** The lines of an answer as they come, without their ends; empty ones are left out. */
export async function* readLines(answer: Answer): AsyncGenerator<string, void, undefined> {
  let held: string[] = [];
  let length = 0;
  for await (const part of readParts(answer)) {
    let start = 0;
    for (let end = part.indexOf('\n'); end >= 0; end = part.indexOf('\n', start)) {
      const line = [...held, part.slice(start, end)].join('');
      held = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < part.length) held.push(part.slice(start));
    length += part.length - start;
    if (length > maxLineLength) throw tooLong(answer, 'a line', maxLineLength);
  }
  if (held.join('').trim() !== '') yield held.join('');
}

/** What comes over the socket; whatever ends it early is an error of ours. */
async function* readParts(answer: Answer): AsyncGenerator<string, void, undefined> {
  answer.response.setEncoding('utf8');
  const parts = answer.response[Symbol.asyncIterator]();
  for (;;) {
    const next = await parts.next().catch((thrown: unknown) => {
      throw answer.explain(thrown);
    });
    if (next.done) return;
    yield next.value as string;
  }
}

function tooLong({ what }: Answer, part: string, limit: number): MacvtapError {
  return new MacvtapError('ApiServerMalformed', `${what}: ${part} is longer than ${limit} characters`);
}
