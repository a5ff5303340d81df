// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import type { PageRequest } from './serve-pages.ts';

// Usage: node bare-lists.ts <file>. The file contains the server, its CA and requests. The program sends the requests,
// and parses the responses. Pages of one list are requested one after the other, and lists at the same time.

interface Order {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  /** The pages of each list. */
  readonly lists: readonly (readonly PageRequest[])[];
}

const { server, ca, token, lists } = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as Order;
const agent = new Agent({ keepAlive: true, ca });
const counts = await Promise.all(lists.map(readList));
agent.destroy();
console.log(counts.reduce((sum, count) => sum + count, 0));

async function readList(pages: readonly PageRequest[]): Promise<number> {
  let count = 0;
  for (const page of pages) count += (await readPage(page)).items.length;
  return count;
}

function readPage({ path, accept }: PageRequest): Promise<{ readonly items: readonly unknown[] }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly items: readonly unknown[] }>();
  const headers = { accept, authorization: `Bearer ${token}` };
  get(`${server}${path}`, { agent, headers }, (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString())));
    response.on('error', reject);
  }).on('error', reject);
  return promise;
}
