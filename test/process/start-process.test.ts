// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ProcessOptions, startProcess } from './start-process.ts';

const start = (script: string, options: Partial<ProcessOptions> = {}) =>
  startProcess({ name: 'script', command: ['sh', '-c', script], ...options });

describe('a process under test', () => {
  it('prints lines that waitForLine finds in either stream, in any order, and also afterwards', async () => {
    await using running = start('trap "echo three; exit" TERM; echo one; echo two >&2; while :; do sleep 0.02; done');
    assert.equal(await running.waitForLine(/^t/), 'two');
    assert.equal(await running.waitForLine(/n/), 'one');
    running.signal('SIGTERM');
    assert.equal(await running.waitForLine(/^th/), 'three');
    await running.exit;
    assert.equal(await running.waitForLine(/^th/), 'three');
  });

  it('has each line reported once and complete, even if it arrives in pieces, and a last line without a newline', async () => {
    const lines: string[] = [];
    // The pauses split the line into pieces. The test does not depend on them.
    await using running = start("printf 'o'; sleep 0.05; printf 'ne\\ntwo\\nthr'; sleep 0.05; printf 'ee'", {
      onLine: (line) => lines.push(line),
    });
    await running.exit;
    assert.deepEqual(lines, ['one', 'two', 'three']);
    assert.equal(running.output, 'one\ntwo\nthree');
  });

  it('that ends before its line fails the wait with its complete output', async () => {
    await using running = start('echo one; printf "no such device" >&2; exit 3');
    await assert.rejects(running.waitForLine(/ready/), /script ended before it printed .*ready.*one/s);
    assert.match(running.output, /no such device/);
    assert.deepEqual(await running.exit, { code: 3, signal: null });
  });

  it('that never prints its line fails the wait with its complete output, and still runs', async () => {
    await using running = start('echo one; exec sleep 60');
    await running.waitForLine(/one/);
    await assert.rejects(running.waitForLine(/ready/, 1), /script did not print .*ready.*one/s);
    assert.ok(isRunning(running.pid));
  });

  it('has the given environment in addition to that of its parent', async () => {
    await using running = start('echo "$GIVEN:$PATH"', { environment: { GIVEN: 'yes' } });
    assert.equal(await running.waitForLine(/./), `yes:${process.env.PATH}`);
  });

  it('reads what is written to it, and has no input if that is not requested', async () => {
    await using running = start('while read -r line; do echo "got $line"; done', { hasInput: true });
    running.write('one\ntw');
    assert.equal(await running.waitForLine(/got/), 'got one');
    running.write('o\n');
    assert.equal(await running.waitForLine(/two/), 'got two');
    await using other = start('cat; echo end');
    other.write('one\n');
    assert.deepEqual([await other.exit, other.output], [{ code: 0, signal: null }, 'end']);
  });

  it('ignores writes after its end', async () => {
    await using running = start('exit 3', { hasInput: true });
    await running.exit;
    running.write('one\n');
    assert.deepEqual(await running.stop(), { code: 3, signal: null });
  });

  it('that cannot be started reports an error and has ended', async () => {
    await using running = start('', { command: ['/nowhere/program'] });
    await assert.rejects(running.waitForLine(/ready/), /\/nowhere\/program/);
    assert.notEqual((await running.exit).code, 0);
  });
});

describe('stopping a process under test', () => {
  it('asks it to end normally', async () => {
    await using running = start('trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.02; done');
    await running.waitForLine(/ready/);
    assert.deepEqual(await running.stop(), { code: 7, signal: null });
    assert.match(running.output, /bye/);
  });

  it('kills it if it does not end', async () => {
    await using running = start('trap "" TERM; echo ready; while :; do sleep 0.02; done');
    await running.waitForLine(/ready/);
    assert.deepEqual(await running.stop(1), { code: null, signal: 'SIGKILL' });
  });

  it('may be repeated, also after its end', async () => {
    await using running = start('exit 3');
    await running.exit;
    assert.deepEqual([await running.stop(), await running.stop()], Array(2).fill({ code: 3, signal: null }));
  });

  it('happens when its scope ends', async () => {
    let pid = -1;
    {
      await using running = start('echo ready; exec sleep 60');
      await running.waitForLine(/ready/);
      pid = running.pid;
    }
    assert.equal(isRunning(pid), false);
  });
});

it('a process under test dies with its parent, even if the parent is killed', {
  timeout: 120_000,
}, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kube-macvtap-process-'));
  // `start-a-child.ts` starts a child that opens the pipe for writing. The test's end closes when the child ends.
  const pipe = join(folder.path, 'held-by-child');
  await promisify(execFile)('mkfifo', [pipe]);
  const held = createReadStream(pipe).resume();
  const released = once(held, 'close');
  const program = fileURLToPath(new URL('programs/start-a-child.ts', import.meta.url));
  await using parent = startProcess({ name: 'parent', command: [process.execPath, program, pipe] });
  await parent.waitForLine(/^child is ready$/);
  assert.equal(held.readableEnded, false);
  parent.signal('SIGKILL');
  assert.deepEqual(await parent.exit, { code: null, signal: 'SIGKILL' });
  await released;
});

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
