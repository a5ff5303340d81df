// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { ManifestsDirectory, until } from '../../../test/fixtures/manifests-directory.ts';
import { createApiWriter, createFileWriter } from './node-state-writer.ts';

const signal = new AbortController().signal;
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1' } };
const stateKey = 'MacvtapNetworkNodeState/h1';

async function start() {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  const writer = createApiWriter(undo.use(connectStandIn(server)), 'h1');
  const scope = undo.move();
  const state = () => server.store.get(stateKey);
  const owners = () => (state()?.metadata.ownerReferences as { uid: string }[] | undefined)?.map(({ uid }) => uid);
  return { server, writer, state, owners, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

describe("a node's state in the API server", () => {
  it('is created with its status, and is owned by the Node with its UID', async () => {
    await using started = await start();
    const { server, writer, state, owners } = started;
    const { uid } = server.store.put(node).metadata;
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    assert.deepEqual([state()?.status, owners()], [{ pluginVersion: 'a' }, [uid]]);
  });

  it('is changed with one request', async () => {
    await using started = await start();
    const { server, writer, state } = started;
    server.store.put(node);
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    const before = server.requests.length;
    await writer.write({ pluginVersion: 'b' }, { thorough: false, signal });
    assert.deepEqual(state()?.status, { pluginVersion: 'b' });
    assert.equal(server.requests.length - before, 1);
    assert.match(
      server.requests.at(-1) ?? '',
      /^PATCH .*\/h1\/status\?fieldManager=kube-macvtap-nodeplugin&force=true$/,
    );
  });

  it('is created again if it was deleted', async () => {
    await using started = await start();
    const { server, writer, state } = started;
    server.store.put(node);
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    server.store.remove(stateKey);
    await writer.write({ pluginVersion: 'b' }, { thorough: false, signal });
    assert.deepEqual(state()?.status, { pluginVersion: 'b' });
  });

  it('is owned by the new Node after the Node was recreated', async () => {
    await using started = await start();
    const { server, writer, owners } = started;
    server.store.put(node);
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    server.store.remove('Node/h1');
    const { uid } = server.store.put(node).metadata;
    assert.notDeepEqual(owners(), [uid]);
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    assert.deepEqual(owners(), [uid]);
  });

  it("is not created for a missing Node, and a refusal has the server's message", async () => {
    await using started = await start();
    const { server, writer, state } = started;
    await assert.rejects(writer.write({}, { thorough: true, signal }), {
      code: 'ApiServerRefused',
      message: /Node h1: 404/,
    });
    assert.equal(state(), undefined);
    server.store.put(node);
    server.intercept(({ method }) =>
      method === 'PATCH' ? { status: 403, body: { message: 'not your node' } } : undefined,
    );
    await assert.rejects(writer.write({}, { thorough: true, signal }), { message: /403: not your node/ });
  });
});

const options = { thorough: true, signal: new AbortController().signal };
const file = 'macvtapnetworknodestate-h1.yaml';
const theirs =
  'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodeState\nmetadata: { name: h1 }\nstatus: { pluginVersion: theirs }\n';

describe("a node's state in a directory of manifests", () => {
  it('is a file that the source reads, and is written only if it differs', async () => {
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

  it("does not replace a user's file, reports its place, and is written after that file is deleted", async () => {
    await using directory = await ManifestsDirectory.make({ 'a.yaml': theirs });
    await using source = await directory.open();
    const writer = createFileWriter(source.origin, 'h1');
    await assert.rejects(writer.write({ pluginVersion: 'a' }, options), {
      code: 'NodeStateNotOurs',
      message: /node h1 is in a\.yaml, document 1, line 1, so the node plugin does not write it/,
    });
    assert.deepEqual(await readdir(directory.path), ['a.yaml']);
    assert.equal(await readFile(join(directory.path, 'a.yaml'), 'utf8'), theirs);
    await rm(join(directory.path, 'a.yaml'));
    await until(source, ({ snapshot }) => snapshot.nodeStates.size === 0);
    await writer.write({ pluginVersion: 'a' }, options);
    assert.deepEqual(await readdir(directory.path), [file]);
  });

  it("is removed when a user's file for the same node appears", async () => {
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

  it('causes an error with the fix if the directory cannot be written', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    const writer = createFileWriter(source.origin, 'h1');
    await rm(directory.path, { recursive: true });
    await assert.rejects(writer.write({}, options), {
      code: 'FileNotWritten',
      message: /create the directory .* again/,
    });
  });

  it('stays inside the directory for any name of the node', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    await createFileWriter(source.origin, '../x').write({}, options);
    assert.deepEqual(await readdir(directory.path), ['macvtapnetworknodestate-..%2Fx.yaml']);
  });
});
