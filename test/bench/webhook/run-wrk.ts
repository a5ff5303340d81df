// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReviewRequest } from './admission-request.ts';

/** The result of a load. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds from a request's first byte to its answer's last. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
}

/** Sends the same requests repeatedly. */
export interface LoadGenerator extends AsyncDisposable {
  /**
   * Runs a load. Each connection sends its next request when the last one is answered. Raises an error if a request was
   * not answered with 200.
   */
  run(options: LoadOptions): Promise<Load>;
}

const run = promisify(execFile);
const script = fileURLToPath(new URL('./load.lua', import.meta.url));

/**
 * Creates a load generator that runs wrk on one thread. For each request, wrk needs far less CPU time than any measured
 * server.
 */
export async function createLoadGenerator(requests: readonly ReviewRequest[]): Promise<LoadGenerator> {
  await run('wrk', ['--version']).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error('wrk is missing: apt-get install wrk');
  });
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-load-')));
  const file = join(folder.path, 'requests');
  await writeFile(file, requests.map(toRecord).join(''));
  const scope = undo.move();
  return {
    async run({ port, connections, seconds }) {
      const flags = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`];
      const { stdout } = await run('wrk', [...flags, '--script', script, `https://127.0.0.1:${port}`, '--', file]);
      return readLoad(stdout);
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function toRecord({ path, body }: ReviewRequest): string {
  return `${path}\n${Buffer.byteLength(body)}\n${body}\n`;
}

/** Reads the result that load.lua printed. */
export function readLoad(printed: string): Load {
  const line = /^load (\{.*\})$/m.exec(printed)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result: ${printed}`);
  const { requests, us, refused, failed, p50, p99, max } = JSON.parse(line);
  if (refused > 0 || failed > 0) {
    throw new Error(`of ${requests} requests ${refused} got an error, and ${failed} got no answer`);
  }
  if (requests === 0) throw new Error('nothing was answered');
  return { requests, perSecond: requests / (us / 1e6), p50: p50 / 1e3, p99: p99 / 1e3, max: max / 1e3 };
}
