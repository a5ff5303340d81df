// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeState } from '../../certs/certificate-store.ts';
import { createDirectoryStore } from '../../certs/directory-store.ts';
import { startProcess } from './start-process.ts';
import { until } from './until.ts';

const program = fileURLToPath(new URL('certificate-keeper.ts', import.meta.url));
const start = (directory: string, ...rest: readonly string[]) =>
  startProcess({ name: 'certificate keeper', command: [process.execPath, program, directory, ...rest] });
const { signal } = new AbortController();
const read = async (directory: string) => {
  const { state, problems } = decodeState((await createDirectoryStore(directory).read(signal))?.data ?? {});
  return { state, problems, bundle: await readFile(join(directory, 'ca.crt'), 'utf8').catch(() => '') };
};
const linesOf = (output: string, what: string) => output.split('\n').filter((line) => line.startsWith(`${what} `));

test('several processes that start at the same moment make one certificate, and all serve it', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-keepers-'));
  const path = join(directory.path, 'certs');
  const beginsAt = String(Date.now() + 1_500);
  await using scope = new AsyncDisposableStack();
  const processes = Array.from({ length: 3 }, () => scope.use(start(path, beginsAt)));
  const served = await Promise.all(processes.map((process) => process.waitForLine(/^serve /)));
  assert.equal(new Set(served).size, 1, served.join());
  const outputs = processes.map(({ output }) => output).join('\n');
  assert.equal(linesOf(outputs, 'create').length, 1, outputs);
  const { state, bundle } = await until(
    () => read(path),
    (found) => found.bundle !== '',
  );
  assert.equal(`serve ${state.current?.serial}`, served[0]);
  assert.equal(bundle, state.current?.authority.pem);
});

test('a process that is killed at any moment leaves a state from which the next one continues', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-keepers-'));
  const path = join(directory.path, 'certs');
  let before: string | undefined;
  for (const line of [/^create /, /^publish /, /^publish-next /, /^switch /, /^serve /]) {
    await using running = start(path, '0', '1000');
    await running.waitForLine(line);
    running.signal('SIGKILL');
    await running.exit;
    assert.deepEqual(linesOf(running.output, 'problem'), []);
    const { state, problems } = await read(path);
    assert.deepEqual(problems, []);
    assert.ok(state.current !== undefined);
    const known = [state.current.serial, ...state.older.map(({ pem }) => pem)];
    if (before !== undefined) assert.equal(linesOf(running.output, 'create').length, 0, running.output);
    before = known[0];
  }
  await using last = start(path, '0');
  await last.waitForLine(/^ready/);
  const { state, bundle } = await until(
    () => read(path),
    (found) => found.bundle.includes(found.state.current?.authority.pem ?? '-'),
  );
  assert.ok(state.current !== undefined && bundle !== '');
  assert.deepEqual((await readdir(path)).filter((name) => name.startsWith('state-')).length, 1);
});
