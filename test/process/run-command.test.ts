// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProgram } from './run-program.ts';

const run = (...flags: readonly string[]) => runProgram('test/process/programs/run-a-command.ts', flags);

describe('a command', () => {
  for (const [end, code] of [['done', 0] as const, ['failed', 1] as const]) {
    it(`that is ${end} exits with ${code} and prints nothing about that`, async () => {
      assert.deepEqual(await run('--end', end), { code, stdout: 'running\n', stderr: '' });
    });
  }

  it('that rejects with a known error prints its message, refers to its code and exits with 1', async () => {
    const stderr = 'run-a-command: eth1 does not exist; name another parent; see docs/reference/errors.md#ParentGone\n';
    assert.deepEqual(await run('--end', 'own-error'), { code: 1, stdout: 'running\n', stderr });
  });

  it('that hits a bug prints where it was thrown and exits with 1', async () => {
    for (const end of ['bug', 'bug-without-cause']) {
      const { code, stderr } = await run('--end', end);
      assert.equal(code, 1);
      assert.match(stderr, /a bug in the program\n +at .*run-a-command\.ts:\d+/);
    }
  });

  it('that throws a value other than an error prints it and exits with 1', async () => {
    const { code, stderr } = await run('--end', 'text');
    assert.deepEqual([code, stderr], [1, 'a text instead of an error\n']);
  });

  it('that is called wrongly does not run, names every error and exits with 2', async () => {
    const { code, stdout, stderr } = await run('--end', 'never', '--ende', 'extra');
    assert.deepEqual([code, stdout], [2, '']);
    assert.deepEqual(stderr.trimEnd().split('\n').length, 4, stderr);
    assert.match(stderr, /^run-a-command: --ende: no such flag\n/);
    assert.match(stderr, /see run-a-command --help\n$/);
  });

  it('that is asked for help prints it, does not run and exits with 0', async () => {
    const { code, stdout, stderr } = await run('--help', '--ende');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Ends as its flag selects\.\n/);
    assert.doesNotMatch(stdout, /running/);
  });
});
