// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { runProgram } from './run-program.ts';

const run = (...flags: readonly string[]) => runProgram('test/process/programs/write-log.ts', flags);

/** Returns the parsed lines of a log without their times. Every line must be JSON with a time. */
async function read(level: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { stdout, stderr } = await run(level);
  assert.equal(stdout, '');
  const lines = stderr.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { time, ...rest } = JSON.parse(line);
    assert.ok(Number.isInteger(time), line);
    return rest;
  });
}

describe('a log', () => {
  it('is JSON lines on standard error: level, message and fields, no facts of the host, complete even if the process dies', async () => {
    const [details, plan, ...rest] = await read('debug');
    assert.deepEqual(details, { level: 'debug', msg: 'details' });
    assert.deepEqual(plan, { level: 'info', msg: 'plan in force', policy: { namespace: 'ns', name: 'p' } });
    assert.deepEqual(
      rest.map(({ msg }) => msg),
      ['call failed', 'text failed', 'hostile', 'bug'],
    );
  });

  it('shows an error with its message, code and facts, without a stack', async () => {
    const [ours, text] = await read('warn');
    const error = { message: 'eth1 does not exist', code: 'ParentGone', device: 'dataMvp3', parent: 'eth1' };
    assert.deepEqual(ours, { level: 'warn', msg: 'call failed', error });
    assert.deepEqual(text, { level: 'warn', msg: 'text failed', error: { message: 'a text' } });
  });

  it('shows a bug with the place where it was thrown', async () => {
    const [line = assert.fail('nothing was logged')] = await read('error');
    const { stack, ...error } = line.error as { stack: string };
    assert.deepEqual(error, { message: 'a bug in the program', code: 'Unexpected' });
    assert.match(stack, /^TypeError: a bug in the program\n +at .*write-log\.ts:\d+/);
  });

  for (const terminal of ['', 'terminal']) {
    it(`replaces characters that a terminal would reorder, hide or execute${terminal === '' ? '' : ', also on a terminal'}`, async () => {
      const { stderr } = await run('warn', terminal);
      assert.doesNotMatch(stripVTControlCharacters(stderr), /(?!\n)[\p{Cc}\p{Cf}]/u);
      assert.ok(!stderr.includes('\u001b[8m'));
    });
  }

  it('has nothing below its level', async () => {
    for (const [level, count] of [['debug', 6] as const, ['info', 5] as const, ['error', 1] as const]) {
      assert.equal((await read(level)).length, count, level);
    }
    assert.deepEqual(await read('silent'), []);
  });

  it('is readable text on a terminal, with the same content as JSON, complete even if the process dies', async () => {
    const { stdout, stderr } = await run('warn', 'terminal');
    assert.equal(stdout, '');
    assert.match(stderr, /call failed.*ParentGone.*dataMvp3.*text failed.*bug/s);
    assert.doesNotMatch(stderr, /^\{/m);
    assert.match(stderr, /eth0\\u202egnp/);
  });
});
