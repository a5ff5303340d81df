// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from './device-record.ts';
import { Ledger } from './ledger.ts';

const entry: DeviceEntry = {
  resource: 'dataplane',
  parent: 'bond1',
  mode: 'bridge',
  ifindex: 1_100_000_000,
  attempt: 0,
};
const attachment = {
  containerID: '4f1c',
  ifname: 'net1',
  netnsPath: '/run/netns/cni-1',
  netnsInode: 4026532201,
  mac: '52:54:00:0a:0b:0c',
};

/** A state directory that is not there yet, opened as often as a test likes; warnings are collected. */
async function stateDirectory() {
  const parent = await mkdtempDisposable(join(tmpdir(), 'kmt-ledger-'));
  const directory = join(parent.path, 'state', 'kube-macvtap');
  const path = join(directory, 'ledger.json');
  const warnings: MacvtapError[] = [];
  return {
    directory,
    path,
    warnings,
    open: (nodeName = 'h1') => Ledger.open({ directory, nodeName, onWarning: (warning) => warnings.push(warning) }),
    async put(content: unknown) {
      await mkdir(directory, { recursive: true });
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    },
    readFile: async () => JSON.parse(await readFile(path, 'utf8')),
    codes: () => warnings.map(({ code }) => code),
    [Symbol.asyncDispose]: () => parent[Symbol.asyncDispose](),
  };
}

test('the state directory is made for its owner alone, and nothing is written before there is something to keep', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await ledger.forget('a');
  assert.equal((await stat(state.directory)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(state.directory), []);
  assert.deepEqual([ledger.entries(), state.warnings], [[], []]);
});

test('what was recorded is there after the next opening, with its order of use', async () => {
  await using state = await stateDirectory();
  {
    await using ledger = await state.open();
    await ledger.record('a', entry);
    await ledger.record('b', { ...entry, parent: 'eth1' });
    await ledger.record('c', entry);
    await ledger.record('a', { ...entry, attachment });
    await ledger.forget('c');
  }
  await using ledger = await state.open();
  assert.deepEqual(ledger.entries(), [
    ['b', { ...entry, parent: 'eth1', lastUsed: 2 }],
    ['a', { ...entry, attachment, lastUsed: 4 }],
  ]);
  assert.deepEqual(ledger.get('b'), { ...entry, parent: 'eth1', lastUsed: 2 });
  assert.deepEqual([ledger.get('c'), ledger.get('constructor')], [undefined, undefined]);
  assert.deepEqual(state.warnings, []);
});

test('when a promise resolves, the file has what it stands for', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  const ids = Array.from({ length: 50 }, (_, index) => `dataplaneMvp${index}`);
  await Promise.all(
    ids.map(async (id, index) => {
      // In different turns, so that some come while a write is under way.
      for (let turn = 0; turn < index % 7; turn += 1) await new Promise(setImmediate);
      await ledger.record(id, entry);
      assert.ok(Object.hasOwn((await state.readFile()).devices, id));
      assert.notEqual(ledger.get(id), undefined);
    }),
  );
  assert.equal(ledger.entries().length, ids.length);
});

test('whoever asks again in the moment of being told is not forgotten', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await ledger.record('a', entry).then(() => ledger.record('b', entry));
  await ledger.forget('nothing').then(() => ledger.record('c', entry));
  assert.equal(ledger.entries().length, 3);
});

test('changes of one device that are asked for at once happen in their order', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await Promise.all([ledger.record('a', entry), ledger.forget('a'), ledger.record('a', { ...entry, attempt: 2 })]);
  assert.equal(ledger.get('a')?.attempt, 2);
  assert.equal((await state.readFile()).devices.a.attempt, 2);
});

test('a failed write rejects all that it carried, changes nothing, and the next one works', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await ledger.record('a', entry);
  await unlink(state.path);
  await mkdir(state.path);
  const results = await Promise.allSettled([ledger.record('b', entry), ledger.forget('a'), ledger.record('c', entry)]);
  assert.deepEqual(
    results.map((result) => (result.status === 'rejected' ? result.reason.message.split(':')[0] : result.status)),
    [
      'device b cannot be recorded in the ledger',
      'device a cannot be forgotten in the ledger',
      'device c cannot be recorded in the ledger',
    ],
  );
  const [first] = results;
  assert.ok(first?.status === 'rejected');
  assert.equal(first.reason.code, 'FileNotWritten');
  assert.deepEqual(first.reason.facts, { path: state.path, errno: 'EISDIR', device: 'b' });
  assert.deepEqual(ledger.entries(), [['a', { ...entry, lastUsed: 1 }]]);
  assert.deepEqual(await readdir(state.directory), ['ledger.json']);
  await rmdir(state.path);
  await ledger.record('b', entry);
  assert.deepEqual(Object.keys((await state.readFile()).devices), ['a', 'b']);
});

test('a ledger that is closed finishes what was asked for, and refuses more', async () => {
  await using state = await stateDirectory();
  const ledger = await state.open();
  const asked = ledger.record('a', entry);
  await ledger[Symbol.asyncDispose]();
  await asked;
  await assert.rejects(ledger.record('b', entry), {
    code: 'Aborted',
    message: /is closed: nothing changes for device b/,
  });
  assert.deepEqual(Object.keys((await state.readFile()).devices), ['a']);
});

test('a second opening is refused while the first one lasts', async () => {
  await using state = await stateDirectory();
  {
    await using _ledger = await state.open();
    await assert.rejects(state.open(), { code: 'LedgerLocked' });
  }
  await using _again = await state.open();
});

test('a failed opening gives the directory free', async () => {
  await using state = await stateDirectory();
  await mkdir(state.path, { recursive: true });
  await assert.rejects(state.open(), {
    code: 'LedgerUnavailable',
    message: `cannot read the ledger ${state.path}: illegal operation on a directory (EISDIR); make it readable, or move it away to start without it`,
  });
  await rmdir(state.path);
  await using _ledger = await state.open();
});

test('a state directory that cannot be made is named', async () => {
  await using state = await stateDirectory();
  await state.put('{}');
  const directory = join(state.path, 'below-a-file');
  await assert.rejects(Ledger.open({ directory, nodeName: 'h1', onWarning: () => undefined }), {
    code: 'LedgerUnavailable',
    message: `cannot make the state directory ${directory}: not a directory (ENOTDIR); name another one, or make it yourself`,
  });
});

test('a file in the place of the state directory is named', async () => {
  await using state = await stateDirectory();
  await state.put('{}');
  await assert.rejects(Ledger.open({ directory: state.path, nodeName: 'h1', onWarning: () => undefined }), {
    code: 'LedgerUnavailable',
    message: /^cannot open the state directory .*ledger\.json: not a directory \(ENOTDIR\); name a directory that user/,
  });
});

test('a broken file is set aside, and replaced at once by what could be read of it', async () => {
  await using state = await stateDirectory();
  const broken = JSON.stringify({ version: 1, node: 'h1', devices: { a: { ...entry, lastUsed: 3 }, b: { mode: 7 } } });
  await state.put(broken);
  {
    await using ledger = await state.open();
    assert.deepEqual(ledger.entries(), [['a', { ...entry, lastUsed: 3 }]]);
    assert.deepEqual(state.codes(), ['LedgerBroken']);
    assert.match(
      state.warnings[0]?.message ?? '',
      /devices\.b\.resource is missing, .*, 3 more; going on with the 1 devices that could be read; .*json\.broken-<n>$/,
    );
  }
  assert.deepEqual((await readdir(state.directory)).sort(), ['ledger.json', 'ledger.json.broken-1']);
  assert.equal(await readFile(`${state.path}.broken-1`, 'utf8'), broken);
  await using ledger = await state.open();
  assert.deepEqual([ledger.entries().length, state.codes()], [1, ['LedgerBroken']]);
});

for (const content of ['', '{"version": 1, "node": "h1", "dev', 'garbage', '[]']) {
  test(`a file with ${JSON.stringify(content)} is set aside, and the ledger starts empty and works`, async () => {
    await using state = await stateDirectory();
    await state.put(content);
    await using ledger = await state.open();
    assert.deepEqual([ledger.entries(), state.codes()], [[], ['LedgerBroken']]);
    assert.equal(await readFile(`${state.path}.broken-1`, 'utf8'), content);
    await ledger.record('a', entry);
    assert.deepEqual(Object.keys((await state.readFile()).devices), ['a']);
  });
}

test('a ledger of a newer version is told, used as far as it is understood, and kept', async () => {
  await using state = await stateDirectory();
  const newer = {
    version: 2,
    node: 'h1',
    tombstones: ['x'],
    devices: { a: { ...entry, lastUsed: 3, vlan: 5 }, b: { ...entry, mode: 'source' } },
  };
  await state.put(newer);
  await using ledger = await state.open();
  assert.deepEqual(state.codes(), ['LedgerNewer']);
  assert.match(
    state.warnings[0]?.message ?? '',
    /format 2, this one writes 1.*1 devices are understood, 1 are kept unread/,
  );
  assert.deepEqual(await state.readFile(), newer);
  await ledger.record('c', entry);
  assert.deepEqual(await state.readFile(), { ...newer, devices: { ...newer.devices, c: { ...entry, lastUsed: 4 } } });
});

test('the ledger of a renamed node is told, and its records keep the old name', async () => {
  await using state = await stateDirectory();
  {
    await using ledger = await state.open('old');
    await ledger.record('a', entry);
  }
  await using ledger = await state.open('new');
  assert.deepEqual(state.codes(), ['LedgerOfOtherNode']);
  assert.equal(ledger.get('a')?.nodeName, 'old');
  await ledger.record('b', entry);
  assert.equal((await state.readFile()).node, 'new');
  assert.deepEqual([ledger.get('a')?.nodeName, ledger.get('b')?.nodeName], ['old', undefined]);
});

test('temporary files of killed writers are removed', async () => {
  await using state = await stateDirectory();
  await mkdir(state.directory, { recursive: true });
  await writeFile(join(state.directory, '.ledger.json.0123456789ab.tmp'), 'half');
  await using _ledger = await state.open();
  assert.deepEqual(await readdir(state.directory), []);
});
