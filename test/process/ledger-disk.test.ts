// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DeviceEntry } from '../../nodeplugin/ledger/device-record.ts';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { readLedgerText } from './read-ledger-text.ts';
import { mountSmallDisk } from './small-disk.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root to mount a file system';
const entry: DeviceEntry = { resource: 'r', parent: 'bond1', mode: 'bridge', ifindex: 1_100_000_000, attempt: 0 };

/** An entry that does not fit into the space that is reserved at the end of the ledger's file. */
const large: DeviceEntry = { ...entry, parent: 'x'.repeat(65_536) };

async function openLedger(directory: string) {
  const warnings: MacvtapError[] = [];
  const ledger = await Ledger.open({ directory, nodeName: 'h1', onWarning: (warning) => warnings.push(warning) });
  return { ledger, warnings };
}

test('on a full disk, a record fails and names the file, the ledger does not change, and space fixes the problem', {
  skip,
}, async () => {
  await using disk = await mountSmallDisk();
  const directory = join(disk.path, 'state');
  const { ledger } = await openLedger(directory);
  await using _closed = ledger;
  await ledger.record('a', entry);
  const before = await readLedgerText(ledger.path);
  await disk.fill();
  await assert.rejects(ledger.record('b', large), {
    code: 'FileNotWritten',
    message: `device b cannot be recorded in the ledger: cannot write ${ledger.path}: no space left on device (ENOSPC); free some space on the file system of ${directory}`,
  });
  // After this failure, the next change must write the whole ledger.
  await assert.rejects(ledger.forget('a'), { code: 'FileNotWritten' });
  assert.deepEqual(ledger.entries(), [['a', { ...entry, lastUsed: 1 }]]);
  assert.equal(await readLedgerText(ledger.path), before);
  assert.deepEqual(await readdir(directory), ['ledger.json']);
  await disk.free();
  await ledger.record('b', entry);
  assert.deepEqual(Object.keys(JSON.parse(await readLedgerText(ledger.path)).devices), ['a', 'b']);
});

test('on a full disk, records that fit into the file are stored, and the first one that does not fit fails', {
  skip,
}, async () => {
  await using disk = await mountSmallDisk();
  const directory = join(disk.path, 'state');
  const { ledger } = await openLedger(directory);
  {
    await using _closed = ledger;
    await ledger.record('a', entry);
    await disk.fill();
    let kept = 0;
    await assert.rejects(
      async () => {
        for (; kept < 1_000; kept += 1) await ledger.record(`d${kept}`, entry);
      },
      { code: 'FileNotWritten' },
    );
    assert.ok(kept > 0);
    assert.equal(ledger.entries().length, 1 + kept);
  }
  const { ledger: again, warnings } = await openLedger(directory);
  await using _closed = again;
  assert.deepEqual([again.entries(), warnings], [ledger.entries(), []]);
});

test('on a read-only disk, the ledger is opened and read, and a record fails and names the file', {
  skip,
}, async () => {
  await using disk = await mountSmallDisk();
  const directory = join(disk.path, 'state');
  {
    const { ledger } = await openLedger(directory);
    await using _closed = ledger;
    await ledger.record('a', entry);
  }
  await disk.remount('ro');
  const { ledger, warnings } = await openLedger(directory);
  await using _closed = ledger;
  assert.deepEqual([ledger.entries().length, warnings], [1, []]);
  await assert.rejects(ledger.record('b', entry), {
    code: 'FileNotWritten',
    message: `device b cannot be recorded in the ledger: cannot write ${ledger.path}: read-only file system (EROFS); mount the file system of ${directory} writable`,
  });
  assert.equal(ledger.get('b'), undefined);
  // The lock also holds on a read-only disk.
  await assert.rejects(openLedger(directory), { code: 'LedgerLocked' });
});

test('on a read-only disk, a missing state directory is named', { skip }, async () => {
  await using disk = await mountSmallDisk();
  await disk.remount('ro');
  await assert.rejects(openLedger(join(disk.path, 'state')), {
    code: 'LedgerUnavailable',
    message: /^cannot create the state directory .*\/state: read-only file system \(EROFS\); /,
  });
});

test('on a read-only disk, a broken ledger is reported, and not overwritten before it was set aside', {
  skip,
}, async () => {
  await using disk = await mountSmallDisk();
  const directory = join(disk.path, 'state');
  await mkdir(directory);
  await writeFile(join(directory, 'ledger.json'), 'garbage');
  await disk.remount('ro');
  const { ledger, warnings } = await openLedger(directory);
  await using _closed = ledger;
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['LedgerBroken', 'FileNotWritten'],
  );
  await assert.rejects(ledger.record('a', entry), { code: 'FileNotWritten' });
  await disk.remount('rw');
  await ledger.record('a', entry);
  assert.equal(await readFile(`${ledger.path}.broken-1`, 'utf8'), 'garbage');
  assert.deepEqual((await readdir(directory)).sort(), ['ledger.json', 'ledger.json.broken-1']);
});
