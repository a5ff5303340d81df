// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManifestsDirectory, until } from '../../test/fixtures/manifests-directory.ts';
import { createFileWriter } from './file-writer.ts';

const options = { thorough: true, signal: new AbortController().signal };
const file = 'macvtapnetworknodestate-h1.yaml';
const theirs =
  'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodeState\nmetadata: { name: h1 }\nstatus: { pluginVersion: theirs }\n';

describe("a node's state in a directory of manifests", () => {
  it('is a file that the directory reads, and is written only when it differs', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    const writer = createFileWriter(source.origin, 'h1');
    const path = join(directory.path, file);
    await writer.write({ pluginVersion: 'a' }, options);
    await until(source, ({ snapshot }) => snapshot.nodeStates.get('h1')?.status?.pluginVersion === 'a');
    assert.deepEqual(source.faults, []);
    assert.equal((await stat(path)).mode & 0o444, 0o444);
    const { ino } = await stat(path);
    await writer.write({ pluginVersion: 'a' }, options);
    assert.equal((await stat(path)).ino, ino);
    await writer.write({ pluginVersion: 'b' }, options);
    await until(source, ({ snapshot }) => snapshot.nodeStates.get('h1')?.status?.pluginVersion === 'b');
    assert.deepEqual(await readdir(directory.path), [file]);
  });

  it("leaves a person's own file alone, says where it is, and takes over when that is gone", async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': theirs });
    await using source = await directory.open();
    const writer = createFileWriter(source.origin, 'h1');
    await assert.rejects(writer.write({ pluginVersion: 'a' }, options), {
      code: 'NodeStateNotOurs',
      message: /node h1 stands in a\.yaml, document 1, line 1, and is left/,
    });
    assert.deepEqual(await readdir(directory.path), ['a.yaml']);
    assert.equal(await readFile(join(directory.path, 'a.yaml'), 'utf8'), theirs);
    await rm(join(directory.path, 'a.yaml'));
    await until(source, ({ snapshot }) => snapshot.nodeStates.size === 0);
    await writer.write({ pluginVersion: 'a' }, options);
    assert.deepEqual(await readdir(directory.path), [file]);
  });

  it("takes its own file back when a person's comes to stand beside it", async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    const writer = createFileWriter(source.origin, 'h1');
    await writer.write({ pluginVersion: 'a' }, options);
    await directory.write('z.yaml', theirs);
    await until(source, ({ faults }) => faults.length > 0);
    await assert.rejects(writer.write({ pluginVersion: 'b' }, options), { code: 'NodeStateNotOurs' });
    await until(source, ({ faults }) => faults.length === 0);
    assert.equal(source.snapshot.nodeStates.get('h1')?.status?.pluginVersion, 'theirs');
  });

  it('says what to do where the directory cannot be written', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    const writer = createFileWriter(source.origin, 'h1');
    await rm(directory.path, { recursive: true });
    await assert.rejects(writer.write({}, options), { code: 'FileNotWritten', message: /make the directory .* again/ });
  });

  it('stays inside the directory, whatever the name of the node', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    await createFileWriter(source.origin, '../x').write({}, options);
    assert.deepEqual(await readdir(directory.path), ['macvtapnetworknodestate-..%2Fx.yaml']);
  });
});
