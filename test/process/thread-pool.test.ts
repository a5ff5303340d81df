// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { it } from 'node:test';
import { startProcess } from './start-process.ts';

/** Starts many long calls at once and prints how many threads the pool has then. */
const program = `
const { widenThreadPool } = await import(process.argv[1]);
widenThreadPool(24);
const { pbkdf2 } = await import('node:crypto');
for (let i = 0; i < 24; i += 1) pbkdf2('a', 'b', 1e9, 64, 'sha512', () => {});
console.log('asked');
`;

it('the thread pool has as many threads as were requested before its first use', async () => {
  const module = new URL('../../runtime/environment.ts', import.meta.url).href;
  await using child = startProcess({
    name: 'pool',
    command: [process.execPath, '--input-type=module', '-e', program, module],
    environment: { UV_THREADPOOL_SIZE: '' },
  });
  await child.waitForLine(/asked/);
  const threads = await readdir(`/proc/${child.pid}/task`);
  assert.ok(threads.length > 24, `${threads.length} threads`);
});
