// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManifestsDirectory, until } from '../../test/fixtures/manifests-directory.ts';
import type { Source } from '../source.ts';

const node = (name: string, labels = '{}') =>
  `apiVersion: v1\nkind: Node\nmetadata: { name: ${name}, labels: ${labels} }\n`;
const policy = (name: string, parent = 'eth0') => `apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicy
metadata: { name: ${name}, namespace: macvtap-cni }
spec: { parentSelector: [{ parentIface: ${parent} }] }
`;
const broken = 'apiVersion: [\n';

const nodesOf = ({ snapshot }: Source) => [...snapshot.nodes.keys()].sort();
const hasNodes =
  (...names: readonly string[]) =>
  (source: Source) =>
    nodesOf(source).join() === names.join();
const whereOf = ({ faults }: Source) => faults.map(({ where }) => where);
const explicitOf = ({ snapshot }: Source) => snapshot.explicit;
const isSound = ({ faults }: Source) => faults.length === 0;

describe('a directory of manifests', () => {
  it('is one cluster, for any split into files and documents', async () => {
    await using directory = await ManifestsDirectory.make({
      'a.yaml': `${node('h1')}---\n${policy('p')}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: vms, labels: { team: x } }\n`,
      'b.yml': `kind: List\nitems:\n- { apiVersion: v1, kind: Node, metadata: { name: h2 } }\n`,
      'c.json':
        '{"apiVersion":"k8s.cni.cncf.io/v1","kind":"NetworkAttachmentDefinition","metadata":{"name":"n","namespace":"vms"}}',
      'd.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: macvtap-deviceplugin-config, namespace: macvtap-cni }\ndata: { DP_MACVTAP_CONF: "[]" }\n',
      'e.yaml':
        'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodeState\nmetadata: { name: h1 }\nstatus: { interfaces: [{ name: "é%@" }] }\n',
      'notes.txt': broken,
      '.hidden.yaml': broken,
    });
    await mkdir(join(directory.path, 'folder.yaml'));
    await using source = await directory.open();
    assert.deepEqual(source.faults, []);
    assert.equal(source.synced, true);
    assert.deepEqual(nodesOf(source), ['h1', 'h2']);
    assert.deepEqual(
      source.snapshot.policies.map(({ id }) => id),
      ['macvtap-cni/p'],
    );
    assert.deepEqual([...source.snapshot.namespaces], [['vms', { team: 'x', 'kubernetes.io/metadata.name': 'vms' }]]);
    assert.deepEqual([...source.snapshot.networks.keys()], ['vms/n']);
    assert.deepEqual([...source.snapshot.nodeStates.keys()], ['h1']);
    assert.deepEqual(source.snapshot.explicit, { entries: [] });
  });

  it('that is empty is an empty cluster', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    assert.deepEqual([source.synced, nodesOf(source), source.snapshot.explicit], [true, [], undefined]);
  });

  it('uses the first of two duplicate objects, and reports the other', async () => {
    await using directory = await ManifestsDirectory.make({
      'a.yaml': node('h1', '{ from: a }'),
      'b.yaml': node('h1', '{ from: b }'),
    });
    await using source = await directory.open();
    assert.deepEqual(source.snapshot.nodes.get('h1')?.labels, { from: 'a' });
    assert.deepEqual(source.faults, [
      { where: 'b.yaml, document 1, line 1', message: 'Node h1: already in a.yaml, document 1, line 1; remove one' },
    ]);
    await rm(join(directory.path, 'a.yaml'));
    await until(source, isSound);
    assert.deepEqual(source.snapshot.nodes.get('h1')?.labels, { from: 'b' });
  });

  it('does not call listeners whose scope has ended', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await using source = await directory.open();
    let calls = 0;
    source
      .onChange(() => {
        calls += 1;
      })
      [Symbol.dispose]();
    await directory.write('a.yaml', node('h2'));
    await until(source, hasNodes('h2'));
    assert.equal(calls, 0);
  });
});

describe('a file with errors', () => {
  it('provides its valid documents if it was never valid as a whole', async () => {
    await using directory = await ManifestsDirectory.make({
      'a.yaml': `${node('h1')}---\n${broken}---\n${node('h2')}`,
      'b.yaml': node('h3'),
    });
    await using source = await directory.open();
    assert.deepEqual([source.synced, nodesOf(source)], [true, ['h1', 'h2', 'h3']]);
    assert.deepEqual(
      whereOf(source).map((where) => where.split(',').slice(0, 2).join()),
      ['a.yaml, document 2'],
    );
    await directory.write('a.yaml', `${broken}---\n${node('h4')}`);
    await until(source, hasNodes('h3', 'h4'));
    assert.equal(source.faults.length, 1);
  });

  it('keeps its whole last valid version in force while other files change', async () => {
    await using directory = await ManifestsDirectory.make({
      'a.yaml': `${node('h1')}---\n${policy('p')}`,
      'b.yaml': node('h2'),
    });
    await using source = await directory.open();
    await directory.write('a.yaml', `${node('h9')}---\n${policy('p').replace('parentSelector', 'parentSelectr')}`);
    await until(source, (now) => !isSound(now));
    assert.deepEqual(new Set(whereOf(source)), new Set(['a.yaml, document 2, line 8']));
    assert.deepEqual([nodesOf(source), source.snapshot.policies.length], [['h1', 'h2'], 1]);
    await directory.write('b.yaml', node('h3'));
    await until(source, hasNodes('h1', 'h3'));
    assert.ok(!isSound(source));
    await directory.write('a.yaml', broken);
    await until(source, (now) => now.faults.every(({ message }) => message.startsWith('invalid YAML')));
    assert.deepEqual(nodesOf(source), ['h1', 'h3']);
    await directory.write('a.yaml', node('h9'));
    await until(source, isSound);
    assert.deepEqual([nodesOf(source), source.snapshot.policies], [['h3', 'h9'], []]);
  });

  it('loses its last valid version when it is removed', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await using source = await directory.open();
    await rm(join(directory.path, 'a.yaml'));
    await until(source, hasNodes());
    await directory.write('a.yaml', broken);
    await until(source, (now) => !isSound(now));
    assert.deepEqual(nodesOf(source), []);
  });

  it('takes effect only when it is complete', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await using source = await directory.open();
    const path = join(directory.path, 'a.yaml');
    const whole = `${node('h1')}---\n${node('h2')}`;
    // Write without truncating, because the source might read the file while it is empty, and an empty file is valid.
    await writeFile(path, whole.slice(0, -5), { flag: 'r+' });
    await until(source, (now) => !isSound(now));
    assert.deepEqual(nodesOf(source), ['h1']);
    await writeFile(path, whole, { flag: 'r+' });
    await until(source, hasNodes('h1', 'h2'));
    assert.ok(isSound(source));
  });

  it('with an invalid explicit configuration provides the error at first, and later keeps the valid one', async () => {
    const config = (json: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: macvtap-deviceplugin-config, namespace: macvtap-cni }\ndata:\n  DP_MACVTAP_CONF: '${json}'\n`;
    await using directory = await ManifestsDirectory.make({ 'a.yaml': config('[{') });
    await using source = await directory.open();
    assert.deepEqual(whereOf(source), ['a.yaml, document 1, line 5']);
    const unreadable = explicitOf(source);
    assert.ok(unreadable !== undefined && 'fault' in unreadable);
    await directory.write('a.yaml', config('[{"name":"a","lowerDevice":"eth0"}]'));
    await until(source, isSound);
    const good = explicitOf(source);
    assert.ok(good !== undefined && 'entries' in good && good.entries.length === 1);
    await directory.write('a.yaml', config('[{'));
    await until(source, (now) => !isSound(now));
    assert.deepEqual(explicitOf(source), good);
  });

  it('with a policy that breaks a rule still provides the policy, with its errors', async () => {
    const policy =
      'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodePolicy\n' +
      'metadata: { name: p, namespace: macvtap-cni }\nspec:\n  parentSelector:\n    - mode: vepa\n';
    await using directory = await ManifestsDirectory.make({ 'p.yaml': policy });
    await using source = await directory.open();
    assert.deepEqual(whereOf(source), ['p.yaml, document 1, line 6']);
    assert.deepEqual(
      source.snapshot.policies.map(({ id, faults }) => [id, faults.map(({ code }) => code)]),
      [['macvtap-cni/p', ['ParentAmbiguous']]],
    );
  });

  it('with a policy that violates the schema provides it with errors, or keeps its last valid version', async () => {
    await using directory = await ManifestsDirectory.make({
      'p.yaml': policy('p').replace('parentIface', 'parentIfac'),
    });
    await using source = await directory.open();
    const faultsOf = ({ snapshot }: Source) =>
      snapshot.policies.map(({ faults }) => faults.map(({ code }) => code).join());
    assert.deepEqual(faultsOf(source), ['SchemaFault']);
    assert.deepEqual(whereOf(source), ['p.yaml, document 1, line 4']);
    await directory.write('p.yaml', policy('p'));
    await until(source, isSound);
    assert.deepEqual(faultsOf(source), ['']);
    await directory.write('p.yaml', policy('p', '5'));
    await until(source, (now) => !isSound(now));
    assert.deepEqual(faultsOf(source), ['']);
  });

  it('does not affect other files, whatever its error is', async () => {
    await using directory = await ManifestsDirectory.make({
      'b.yaml': node('h1'),
      'deep.yaml': `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    });
    await symlink('nowhere', join(directory.path, 'dangling.yaml'));
    // Reading this file fails even for root: it starts at address 0 of the process, where no memory is mapped.
    await symlink('/proc/self/mem', join(directory.path, 'unreadable.yaml'));
    await using source = await directory.open();
    assert.deepEqual(
      [nodesOf(source), whereOf(source)],
      [['h1'], ['deep.yaml, document 1, line 1', 'unreadable.yaml']],
    );
  });

  it('of more than 64 MiB is not read', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1'), 'b.yaml': '' });
    await truncate(join(directory.path, 'b.yaml'), 64 * 1024 * 1024 + 1);
    await using source = await directory.open();
    assert.deepEqual([nodesOf(source), whereOf(source)], [['h1'], ['b.yaml']]);
  });
});

describe('a directory that is followed', () => {
  it('is read again after files are added, changed and removed', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await using source = await directory.open();
    await directory.write('b.yaml', node('h2'));
    await until(source, hasNodes('h1', 'h2'));
    await writeFile(join(directory.path, 'b.yaml'), node('h3'));
    await until(source, hasNodes('h1', 'h3'));
    await rm(join(directory.path, 'a.yaml'));
    await until(source, hasNodes('h3'));
  });

  it('is read again after kubelet swaps the link of a mounted ConfigMap', async () => {
    await using directory = await ManifestsDirectory.make();
    const version = async (name: string, text: string) => {
      await mkdir(join(directory.path, name));
      await writeFile(join(directory.path, name, 'nodes.yaml'), text);
      await symlink(name, join(directory.path, '..data_tmp'));
      await rename(join(directory.path, '..data_tmp'), join(directory.path, '..data'));
    };
    await version('..2026_01', node('h1'));
    await symlink('..data/nodes.yaml', join(directory.path, 'nodes.yaml'));
    await using source = await directory.open();
    assert.deepEqual(nodesOf(source), ['h1']);
    await version('..2026_02', node('h2'));
    await rm(join(directory.path, '..2026_01'), { recursive: true });
    await until(source, hasNodes('h2'));
    assert.ok(isSound(source));
  });

  it('stays in force if it is removed, and is followed again when it is back', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await using source = await directory.open();
    // Remove the directory in one step. If the file were removed first, the source might read an empty directory.
    await rename(directory.path, `${directory.path}.away`);
    await rm(`${directory.path}.away`, { recursive: true });
    await until(source, (now) => !isSound(now));
    assert.deepEqual([source.synced, nodesOf(source), whereOf(source)], [true, ['h1'], ['directory']]);
    assert.ok(source.faults[0]?.message.includes(directory.path));
    await mkdir(directory.path);
    await directory.write('a.yaml', node('h1'));
    await until(source, isSound);
    await directory.write('a.yaml', node('h2'));
    await until(source, hasNodes('h2'));
  });

  it('causes no change if it comes back unchanged', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await using source = await directory.open();
    await rename(directory.path, `${directory.path}.away`);
    await until(source, (now) => !isSound(now));
    await rename(`${directory.path}.away`, directory.path);
    await until(source, isSound);
    assert.deepEqual(nodesOf(source), ['h1']);
  });

  it('is not synced until it exists', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    await rename(directory.path, `${directory.path}.away`);
    await using source = await directory.open();
    assert.deepEqual([source.synced, nodesOf(source), whereOf(source)], [false, [], ['directory']]);
    await rename(`${directory.path}.away`, directory.path);
    await until(source, hasNodes('h1'));
    assert.deepEqual([source.synced, isSound(source)], [true, true]);
  });

  it('is no longer read after the source is disposed of', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': node('h1') });
    const source = await directory.open();
    await source[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
    await directory.write('a.yaml', node('h2'));
    assert.deepEqual(nodesOf(source), ['h1']);
  });
});
