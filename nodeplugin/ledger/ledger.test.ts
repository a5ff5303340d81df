// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rename,
  rmdir,
  stat,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MacvtapError } from '../../runtime/errors.ts';
import { readLedgerText } from '../../test/process/read-ledger-text.ts';
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

/** Returns a state directory that does not exist yet. A test may open it several times; warnings are collected. */
async function stateDirectory() {
  const parent = await mkdtempDisposable(join(tmpdir(), 'kmt-ledger-'));
  const directory = join(parent.path, 'state', 'kube-macvtap');
  const path = join(directory, 'ledger.json');
  const warnings: MacvtapError[] = [];
  const writes: string[] = [];
  const onWrite = (outcome: string) => void writes.push(outcome);
  return {
    directory,
    path,
    warnings,
    writes,
    open: (nodeName = 'h1') =>
      Ledger.open({ directory, nodeName, onWarning: (warning) => warnings.push(warning), onWrite }),
    async put(content: unknown) {
      await mkdir(directory, { recursive: true });
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    },
    readFile: async () => readWhole(await readLedgerText(path)),
    codes: () => warnings.map(({ code }) => code),
    [Symbol.asyncDispose]: () => parent[Symbol.asyncDispose](),
  };
}

/** Returns the ledger in the file's JSON text, with the changes from the lines after the text. */
function readWhole(text: string) {
  const [whole = '', changes = ''] = text.split(/(?<=^}\n)/m);
  const ledger = JSON.parse(whole);
  for (const line of changes.split('\n').filter((line) => line !== '')) {
    for (const [id, record] of Object.entries(JSON.parse(line).devices)) {
      if (record === null) delete ledger.devices[id];
      else ledger.devices[id] = record;
    }
  }
  return ledger;
}

test('only its owner can read the state directory, and the first write happens with the first record', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await ledger.forget('a');
  assert.equal((await stat(state.directory)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(state.directory), []);
  assert.deepEqual([ledger.entries(), state.warnings], [[], []]);
});

test('records and their order of use are kept when the ledger is opened again', async () => {
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

test('the devices of an index are found, before and after the ledger is opened again', async () => {
  await using state = await stateDirectory();
  const find = (ledger: Ledger) => [7, 8, 9].map((ifindex) => ledger.findByIfindex(ifindex));
  {
    await using ledger = await state.open();
    for (const [id, ifindex] of [
      ['aMvp0', 7],
      ['aMvp1', 7],
      ['aMvp2', 8],
      ['aMvp3', 8],
    ] as const)
      await ledger.record(id, { ...entry, ifindex });
    assert.deepEqual(find(ledger), [['aMvp0', 'aMvp1'], ['aMvp2', 'aMvp3'], []]);
    await ledger.record('aMvp0', { ...entry, ifindex: 9 });
    await ledger.record('aMvp1', { ...entry, ifindex: 7 });
    await ledger.forget('aMvp2');
    await ledger.forget('aMvp3');
    assert.deepEqual(find(ledger), [['aMvp1'], [], ['aMvp0']]);
  }
  await using again = await state.open();
  assert.deepEqual(find(again), [['aMvp1'], [], ['aMvp0']]);
});

test('a change is in the file when its promise resolves', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  const ids = Array.from({ length: 50 }, (_, index) => `dataplaneMvp${index}`);
  await Promise.all(
    ids.map(async (id, index) => {
      // The calls start in different turns, so that some of them start while a write is in progress.
      for (let turn = 0; turn < index % 7; turn += 1) await new Promise(setImmediate);
      await ledger.record(id, entry);
      assert.ok(Object.hasOwn((await state.readFile()).devices, id));
      assert.notEqual(ledger.get(id), undefined);
    }),
  );
  assert.equal(ledger.entries().length, ids.length);
});

test('a record that is requested right after another one resolves is not lost', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await ledger.record('a', entry).then(() => ledger.record('b', entry));
  await ledger.forget('nothing').then(() => ledger.record('c', entry));
  assert.equal(ledger.entries().length, 3);
});

test('concurrent changes of one device are applied in the order of the calls', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await Promise.all([ledger.record('a', entry), ledger.forget('a'), ledger.record('a', { ...entry, attempt: 2 })]);
  assert.equal(ledger.get('a')?.attempt, 2);
  assert.equal((await state.readFile()).devices.a.attempt, 2);
});

test('a failed write rejects all its changes, changes nothing, and the next write works', async () => {
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
      'device a cannot be removed from the ledger',
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
  assert.deepEqual(state.writes, ['written', 'failed', 'written']);
});

test('after the first write, a change appends a line, and after many changes the whole file is written', async () => {
  await using state = await stateDirectory();
  await using ledger = await state.open();
  await ledger.record('a', entry);
  const { ino, size } = await stat(state.path);
  const whole = await readLedgerText(state.path);
  assert.equal(size, whole.length + 65_536, 'the file has room for changes');
  await ledger.record('b', { ...entry, attachment });
  await ledger.forget('a');
  const line = JSON.stringify({ devices: { b: { ...entry, lastUsed: 2, attachment } } });
  assert.equal(await readLedgerText(state.path), `${whole}${line}\n{"devices":{"a":null}}\n`);
  assert.equal((await stat(state.path)).ino, ino);
  for (let attempt = 0; (await stat(state.path)).ino === ino; attempt += 1) {
    assert.equal((await stat(state.path)).size, size, 'the file does not grow');
    await ledger.record('c', { ...entry, attempt });
  }
  assert.deepEqual([...whole.matchAll(/\n/g)].length, (await readLedgerText(state.path)).split('\n').length - 2);
  assert.deepEqual(Object.keys((await state.readFile()).devices), ['b', 'c']);
});

test('a process appends nothing to a file that it did not write', async () => {
  await using state = await stateDirectory();
  {
    await using ledger = await state.open();
    for (const id of ['a', 'b', 'c']) await ledger.record(id, entry);
  }
  const before = await stat(state.path);
  await using ledger = await state.open();
  await ledger.record('d', entry);
  assert.notEqual((await stat(state.path)).ino, before.ino);
  assert.deepEqual(Object.keys(JSON.parse(await readLedgerText(state.path)).devices), ['a', 'b', 'c', 'd']);
});

const meddlings: Readonly<Record<string, (path: string) => Promise<void>>> = {
  removed: unlink,
  'cut short': (path) => truncate(path, 10),
  'written to': (path) => appendFile(path, 'what is this'),
  'replaced by another': async (path) => {
    await writeFile(`${path}.other`, '{}');
    await rename(`${path}.other`, path);
  },
  'replaced by a link': async (path) => {
    await rename(path, `${path}.other`);
    await symlink(`${path}.other`, path);
  },
};

for (const [what, meddle] of Object.entries(meddlings)) {
  test(`a file that was ${what} while the ledger is open is written completely`, async () => {
    await using state = await stateDirectory();
    await using ledger = await state.open();
    await ledger.record('a', entry);
    await ledger.record('b', entry);
    await meddle(state.path);
    await ledger.record('c', entry);
    assert.deepEqual(Object.keys(JSON.parse(await readLedgerText(state.path)).devices), ['a', 'b', 'c']);
  });
}

test('a crash at any byte of an append loses no acknowledged record, and adds no partial one', async () => {
  await using state = await stateDirectory();
  const sizes: number[] = [];
  {
    await using ledger = await state.open();
    await ledger.record('a', entry);
    sizes.push(Buffer.byteLength(await readLedgerText(state.path)));
    await Promise.all([ledger.record('b', { ...entry, parent: 'brücke' }), ledger.record('c', entry)]);
    sizes.push(Buffer.byteLength(await readLedgerText(state.path)));
    await Promise.all([ledger.forget('a'), ledger.record('b', { ...entry, attachment })]);
  }
  const { size } = await stat(state.path);
  const bytes = Buffer.from(await readLedgerText(state.path));
  const [whole = 0, second = 0] = sizes;
  for (const { ends, pages } of [
    { ends: 'cut', pages: (end: number) => bytes.subarray(0, end) },
    // As after a power failure: the file has its full size, but the bytes after `end` did not reach the disk.
    { ends: 'NULs', pages: (end: number) => Buffer.concat([bytes.subarray(0, end)], size) },
  ]) {
    for (let end = whole; end <= bytes.length; end += 1) {
      await writeFile(state.path, pages(end));
      await using ledger = await state.open();
      const ids = ledger.entries().map(([id]) => id);
      const expected = end < second ? ['a'] : end < bytes.length ? ['a', 'b', 'c'] : ['c', 'b'];
      assert.deepEqual([ids, state.warnings], [expected, []], `${ends} at ${end} of ${bytes.length}`);
      assert.equal(ledger.get('b')?.attachment !== undefined, end === bytes.length);
    }
  }
});

test('a line without its beginning is ignored, even if its end is on the disk', async () => {
  await using state = await stateDirectory();
  {
    await using ledger = await state.open();
    await ledger.record('a', entry);
    await ledger.record('b', entry);
  }
  const bytes = await readFile(state.path);
  bytes.fill(0, bytes.indexOf('\n}\n') + 3, bytes.indexOf(0) - 20);
  await writeFile(state.path, bytes);
  await using ledger = await state.open();
  assert.deepEqual([ledger.entries().map(([id]) => id), state.warnings], [['a'], []]);
});

test('an invalid line before valid ones is reported, and the valid ones are used', async () => {
  await using state = await stateDirectory();
  {
    await using ledger = await state.open();
    for (const id of ['a', 'b', 'c']) await ledger.record(id, entry);
  }
  const text = await readLedgerText(state.path);
  const broken = text.replace('{"devices":{"b"', '{"devices":7,{"b"');
  await writeFile(state.path, broken);
  await using ledger = await state.open();
  assert.deepEqual([ledger.entries().map(([id]) => id), state.codes()], [['a', 'c'], ['LedgerBroken']]);
  assert.match(state.warnings[0]?.message ?? '', /change 1 is not JSON/);
  assert.equal(await readFile(`${state.path}.broken-1`, 'utf8'), broken);
});

test('an order of use that was not written immediately is written with the next change', async () => {
  await using state = await stateDirectory();
  {
    await using ledger = await state.open();
    for (const id of ['a', 'b', 'c']) await ledger.record(id, entry);
    await ledger.record('a', entry);
    await ledger.record('b', { ...entry, attempt: 1 });
  }
  await using ledger = await state.open();
  assert.deepEqual(
    ledger.entries().map(([id, { lastUsed }]) => [id, lastUsed]),
    [
      ['c', 3],
      ['a', 4],
      ['b', 5],
    ],
  );
});

test('a closing ledger completes pending changes and rejects new ones', async () => {
  await using state = await stateDirectory();
  const ledger = await state.open();
  const asked = ledger.record('a', entry);
  await ledger[Symbol.asyncDispose]();
  await asked;
  await assert.rejects(ledger.record('b', entry), {
    code: 'Aborted',
    message: /is closed: device b can no longer change/,
  });
  assert.deepEqual(Object.keys((await state.readFile()).devices), ['a']);
});

test('a ledger that is open cannot be opened again', async () => {
  await using state = await stateDirectory();
  {
    await using _ledger = await state.open();
    await assert.rejects(state.open(), { code: 'LedgerLocked' });
  }
  await using _again = await state.open();
});

test('a failed opening releases the directory', async () => {
  await using state = await stateDirectory();
  await mkdir(state.path, { recursive: true });
  await assert.rejects(state.open(), {
    code: 'LedgerUnavailable',
    message: `cannot read the ledger ${state.path}: illegal operation on a directory (EISDIR); make it readable, or move it away to start without it`,
  });
  await rmdir(state.path);
  await using _ledger = await state.open();
});

test('the error names a state directory that cannot be created', async () => {
  await using state = await stateDirectory();
  await state.put('{}');
  const directory = join(state.path, 'below-a-file');
  await assert.rejects(Ledger.open({ directory, nodeName: 'h1', onWarning: () => undefined }), {
    code: 'LedgerUnavailable',
    message: `cannot create the state directory ${directory}: not a directory (ENOTDIR); choose another one with --state-dir, or create it yourself`,
  });
});

test('the error names a file at the path of the state directory', async () => {
  await using state = await stateDirectory();
  await state.put('{}');
  await assert.rejects(Ledger.open({ directory: state.path, nodeName: 'h1', onWarning: () => undefined }), {
    code: 'LedgerUnavailable',
    message:
      /^cannot open the state directory .*ledger\.json: not a directory \(ENOTDIR\); choose a directory that user/,
  });
});

test('a broken file is set aside, and replaced at once with the readable records', async () => {
  await using state = await stateDirectory();
  const broken = JSON.stringify({ version: 1, node: 'h1', devices: { a: { ...entry, lastUsed: 3 }, b: { mode: 7 } } });
  await state.put(broken);
  {
    await using ledger = await state.open();
    assert.deepEqual(ledger.entries(), [['a', { ...entry, lastUsed: 3 }]]);
    assert.deepEqual(state.codes(), ['LedgerBroken']);
    assert.match(
      state.warnings[0]?.message ?? '',
      /devices\.b\.resource is missing, .*, 3 more; continuing with the 1 devices that could be read; .*json\.broken-<n> with the highest number$/,
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

test('a ledger of a newer version is reported, used as far as it is readable, and kept', async () => {
  await using state = await stateDirectory();
  const newer = {
    version: 5,
    node: 'h1',
    tombstones: ['x'],
    devices: { a: { ...entry, lastUsed: 3, vlan: 5 }, b: { ...entry, mode: 'source' } },
  };
  await state.put(newer);
  await using ledger = await state.open();
  assert.deepEqual(state.codes(), ['LedgerNewer']);
  assert.match(
    state.warnings[0]?.message ?? '',
    /format 5, this one writes 4.*1 devices can be read, 1 are kept unread/,
  );
  assert.deepEqual(await state.readFile(), newer);
  await ledger.record('c', entry);
  assert.deepEqual(await state.readFile(), { ...newer, devices: { ...newer.devices, c: { ...entry, lastUsed: 4 } } });
});

test('the ledger of a renamed node is reported, and its records keep the old name', async () => {
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
