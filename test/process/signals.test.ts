// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProcess } from './start-process.ts';

const program = fileURLToPath(new URL('programs/wait-for-signals.ts', import.meta.url));
const start = (...flags: readonly string[]) =>
  startProcess({ name: 'program', command: [process.execPath, program, ...flags] });

describe('a process with a scope for signals', () => {
  for (const [name, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    it(`ends normally at the first ${name}`, async () => {
      await using running = start();
      await running.waitForLine(/^waiting$/);
      running.signal(name);
      assert.deepEqual(await running.exit, { code: 0, signal: null });
      assert.equal(running.output, `waiting\naborted by ${name}\nended in order`);
    });

    it(`that hangs ends at the second ${name}, with the exit code of that signal`, async () => {
      await using running = start('hangs');
      await running.waitForLine(/^waiting$/);
      running.signal(name);
      await running.waitForLine(/^aborted by /);
      running.signal(name);
      assert.deepEqual(await running.exit, { code, signal: null });
      assert.equal(running.output, `waiting\naborted by ${name}`);
    });
  }

  it('also ends at a second signal of the other kind', async () => {
    await using running = start('hangs');
    await running.waitForLine(/^waiting$/);
    running.signal('SIGTERM');
    await running.waitForLine(/^aborted by SIGTERM$/);
    running.signal('SIGINT');
    assert.deepEqual(await running.exit, { code: 130, signal: null });
  });
});
