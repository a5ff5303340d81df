// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import { createApiWriter } from './api-writer.ts';

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
  it("is made with its status and belongs to the Node's UID", async () => {
    await using started = await start();
    const { server, writer, state, owners } = started;
    const { uid } = server.store.put(node).metadata;
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    assert.deepEqual([state()?.status, owners()], [{ pluginVersion: 'a' }, [uid]]);
  });

  it('is changed by one request', async () => {
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

  it('is made again when it was deleted', async () => {
    await using started = await start();
    const { server, writer, state } = started;
    server.store.put(node);
    await writer.write({ pluginVersion: 'a' }, { thorough: true, signal });
    server.store.remove(stateKey);
    await writer.write({ pluginVersion: 'b' }, { thorough: false, signal });
    assert.deepEqual(state()?.status, { pluginVersion: 'b' });
  });

  it('belongs to the new Node when the Node was made anew', async () => {
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

  it('is not made for a Node that is not there, and a refusal is told in the words of the server', async () => {
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
