// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DeviceEntry } from '../../nodeplugin/ledger/device-record.ts';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import type { FaultPointName } from '../../runtime/fault-points.ts';
import { type Exit, startProcess } from './start-process.ts';

const writer = fileURLToPath(new URL('ledger-writer.ts', import.meta.url));
const entry: DeviceEntry = { resource: 'r', parent: 'eth0', mode: 'vepa', ifindex: 1_200_000_000, attempt: 1 };
const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-faults-'));

/** Runs the writer until it ends. Returns how it ended, and which devices it reported as durable. */
async function write(
  directory: string,
  how: 'one-by-one' | 'at-once',
  devices: readonly string[],
  fault: string,
): Promise<{ readonly exit: Exit; readonly recorded: readonly string[]; readonly output: string }> {
  await using running = startProcess({
    name: 'ledger writer',
    command: [process.execPath, writer, directory, how, ...devices],
    environment: { MACVTAP_TEST_FAULT: fault },
  });
  const exit = await running.exit;
  const recorded = [...running.output.matchAll(/^recorded (.*)$/gm)].map(([, device = '']) => device);
  return { exit, recorded, output: running.output };
}

/** Opens the ledger as the next process would, and returns its devices. */
async function reopen(directory: string): Promise<readonly string[]> {
  const warnings: unknown[] = [];
  await using ledger = await Ledger.open({ directory, nodeName: 'h1', onWarning: (warning) => warnings.push(warning) });
  assert.deepEqual(warnings, []);
  return ledger.entries().map(([id]) => id);
}

/**
 * Crash points, whether the change is durable after a kill there, and at which writes the point is reached. Only the
 * first write is of a whole file.
 */
const points = [
  ['ledger-before-write', 'old', [1, 2, 3]],
  ['file-temporary-made', 'old', [1]],
  ['file-before-rename', 'old', [1]],
  ['file-after-rename', 'new', [1]],
  ['ledger-after-write', 'new', [1, 2, 3]],
] as const satisfies readonly (readonly [FaultPointName, 'old' | 'new', readonly number[]])[];

for (const [point, expected, writes] of points) {
  for (const nth of writes) {
    test(`a process killed at ${point}, at write ${nth}, leaves the ${expected} state and nothing else`, async () => {
      await using state = await temporaryDirectory();
      {
        await using ledger = await Ledger.open({ directory: state.path, nodeName: 'h1', onWarning: assert.fail });
        await ledger.record('before', entry);
      }
      const devices = ['a', 'b', 'c'];
      const { exit, recorded, output } = await write(state.path, 'one-by-one', devices, `${point}:${nth}`);
      assert.equal(exit.signal, 'SIGKILL', output);
      assert.deepEqual(recorded, devices.slice(0, nth - 1));
      const written = devices.slice(0, expected === 'new' ? nth : nth - 1);
      assert.deepEqual(await reopen(state.path), ['before', ...written]);
      assert.deepEqual(await readdir(state.path), ['ledger.json']);
    });
  }
}

test('a process killed at the very first write leaves no ledger, or a complete one', async () => {
  for (const [point, expected] of points) {
    await using state = await temporaryDirectory();
    await write(state.path, 'one-by-one', ['a'], point);
    assert.deepEqual(await reopen(state.path), expected === 'new' ? ['a'] : [], point);
    assert.deepEqual(await readdir(state.path), expected === 'new' ? ['ledger.json'] : [], point);
  }
});

for (const point of ['ledger-set-aside', 'file-before-rename', 'file-after-rename'] as const) {
  test(`a process killed at ${point} with a broken ledger loses no readable record, and sets the file aside once`, async () => {
    await using state = await temporaryDirectory();
    const path = join(state.path, 'ledger.json');
    const broken = JSON.stringify({ version: 1, node: 'h1', devices: { good: { ...entry, lastUsed: 1 }, bad: 7 } });
    await writeFile(path, broken);
    const { exit, output } = await write(state.path, 'one-by-one', [], point);
    assert.equal(exit.signal, 'SIGKILL', output);
    // The second process completes whatever the first one did not.
    assert.equal((await write(state.path, 'one-by-one', [], '')).exit.code, 0);
    assert.deepEqual(await reopen(state.path), ['good']);
    assert.deepEqual((await readdir(state.path)).sort(), ['ledger.json', 'ledger.json.broken-1']);
    assert.equal(await readFile(`${path}.broken-1`, 'utf8'), broken);
  });
}

test('changes that are requested at once share a write', async () => {
  await using state = await temporaryDirectory();
  const devices = Array.from({ length: 200 }, (_, index) => `d${index}`);
  // A second write would kill the process.
  const { exit, recorded, output } = await write(state.path, 'at-once', devices, 'ledger-before-write:2');
  assert.deepEqual(exit, { code: 0, signal: null }, output);
  assert.deepEqual([recorded.length, (await reopen(state.path)).length], [200, 200]);
});

test('changes that are requested one after the other have a write each', async () => {
  await using state = await temporaryDirectory();
  const { exit, recorded } = await write(state.path, 'one-by-one', ['a', 'b', 'c'], 'ledger-before-write:3');
  assert.deepEqual([exit.signal, recorded], ['SIGKILL', ['a', 'b']]);
});

test('changes that share a write are all durable after a kill, or none is', async () => {
  for (const [point, expected] of points) {
    await using state = await temporaryDirectory();
    const { recorded } = await write(state.path, 'at-once', ['a', 'b', 'c'], point);
    assert.deepEqual(recorded, [], point);
    assert.deepEqual(await reopen(state.path), expected === 'new' ? ['a', 'b', 'c'] : [], point);
  }
});
