// SPDX-License-Identifier: Apache-2.0
// Tests failures that only a source on an API server can have. All other tests of sources are in
// test/contract/source-contract.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { type StandInApiServer, startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import { explicit, namespace, network, node, nodeState, policy } from '../../test/contract/source-contract.ts';
import { until } from '../../test/fixtures/manifests-directory.ts';
import { until as pollUntil } from '../../test/process/until.ts';
import { ApiSource, coalesceMs } from './api-source.ts';
import type { WatchScope } from './watched-kinds.ts';

const signal = new AbortController().signal;
const onEth0 = { parentSelector: [{ parentIface: 'eth0', mode: 'bridge' }] };

async function start(prepare: (server: StandInApiServer) => void, scope: Pick<WatchScope, 'node'> = {}) {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  prepare(server);
  const client = undo.use(connectStandIn(server));
  const source = undo.use(await ApiSource.open({ client, policyNamespace: 'macvtap-cni', ...scope }));
  // On a busy machine, `open` may return before the source has a state.
  await until(source, ({ synced, faults }) => synced || faults.length > 0);
  const owned = undo.move();
  return { server, source, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe('an API server', () => {
  it('causes a single error, and not an empty cluster, if it is unreachable', async () => {
    await using started = await start((server) => {
      server.store.put(node('h1'));
      server.intercept(() => 'reset');
    });
    const { server, source } = started;
    await until(source, ({ faults }) => faults.length > 0);
    assert.deepEqual([source.synced, source.snapshot.nodes.size], [false, 0]);
    assert.deepEqual(
      source.faults.map(({ where, isOutage }) => [where, isOutage]),
      [[server.url, true]],
    );
    server.intercept(undefined);
    await until(source, ({ synced, faults }) => synced && faults.length === 0);
    assert.ok(source.snapshot.nodes.has('h1'));
  });

  it('reports the highest number of nodes in a policy status without causing a new snapshot', async () => {
    await using started = await start((server) => void server.store.put(policy('p', onEth0)));
    const { server, source } = started;
    const most = () => (source.origin.kind === 'cluster' ? source.origin.mostMatched : Number.NaN);
    assert.equal(most(), undefined);
    const { snapshot } = source;
    for (const matchedNodes of [7, 5_000, 1]) server.store.put({ ...policy('p', onEth0), status: { matchedNodes } });
    server.store.put(node('h1'));
    await until(source, ({ snapshot: { nodes } }) => nodes.has('h1'));
    await pollUntil(
      async () => most(),
      (nodes) => nodes === 5_000,
    );
    assert.equal(source.snapshot.policies[0], snapshot.policies[0]);
  });

  it('that refuses one kind keeps the source from syncing, and the error names the kind', async () => {
    await using started = await start((server) => {
      server.intercept(({ kind }) =>
        kind === 'Namespace' ? { status: 403, body: { message: 'forbidden' } } : undefined,
      );
    });
    const { server, source } = started;
    await until(source, ({ faults }) => faults.length > 0);
    assert.deepEqual(
      [source.synced, source.faults.map(({ where, isOutage }) => [where, isOutage])],
      [false, [['Namespaces', undefined]]],
    );
    server.intercept(undefined);
    await until(source, ({ synced, faults }) => synced && faults.length === 0);
  });

  it('without the CRD of Multus provides all objects except networks', async () => {
    await using started = await start((server) => {
      server.store.put(node('h1'));
      server.intercept(({ kind }) => (kind === 'NetworkAttachmentDefinition' ? { status: 404, body: {} } : undefined));
    });
    const { server, source } = started;
    await until(source, ({ synced, faults }) => synced && faults.length > 0);
    assert.deepEqual([source.snapshot.nodes.size, source.snapshot.networks.size], [1, 0]);
    assert.match(source.faults[0]?.message ?? '', /NetworkAttachmentDefinitions; the resource is not installed/);
    server.store.put(network('net', '{}'));
    server.intercept(undefined);
    await until(source, ({ snapshot, faults }) => snapshot.networks.size === 1 && faults.length === 0);
  });

  it('with a newer CRD may return unknown fields', async () => {
    await using started = await start((server) => {
      server.store.put(policy('p', { ...onEth0, future: { a: 1 } }));
      const state = nodeState('h1', 'eth0');
      server.store.put({ ...state, status: { ...state.status, future: [1] } });
    });
    const { source } = started;
    await until(source, ({ synced }) => synced);
    assert.deepEqual(source.faults, []);
    assert.equal(source.snapshot.policies[0]?.faults.length, 0);
    assert.ok(source.snapshot.nodeStates.has('h1'));
  });

  it('causes no notifications for heartbeats and status edits', async () => {
    await using started = await start((server) => {
      server.store.put(node('h1'));
      server.store.put(policy('p', onEth0));
    });
    const { server, source } = started;
    await until(source, ({ synced }) => synced);
    const { snapshot } = source;
    server.store.put({ ...node('h1'), status: { conditions: [{ lastHeartbeatTime: '2026-01-01T00:00:00Z' }] } });
    server.store.put({ ...policy('p', onEth0), status: { matchedNodes: 7 } });
    let reported = 0;
    source.onChange(() => {
      reported += 1;
    });
    server.store.put(namespace('last'));
    await until(source, (now) => now.snapshot.namespaces.has('last'));
    assert.equal(source.snapshot.nodes, snapshot.nodes);
    assert.equal(source.snapshot.policies, snapshot.policies);
    assert.ok(reported <= 2, `${reported} changes`);
  });

  it('is asked only for the given node', async () => {
    await using started = await start(
      ({ store }) => {
        for (const object of [node('h1'), node('h2'), namespace('vms'), network('net', '{}'), nodeState('h1')]) {
          store.put(object);
        }
        store.put(policy('p', onEth0));
        store.put(explicit('[]'));
      },
      { node: 'h1' },
    );
    const { source } = started;
    await until(source, ({ synced }) => synced);
    const { nodes, namespaces, networks, nodeStates, policies, explicit: config } = source.snapshot;
    assert.deepEqual([[...nodes.keys()], namespaces.size, networks.size, nodeStates.size], [['h1'], 0, 0, 0]);
    assert.deepEqual([policies.length, config], [1, { entries: [] }]);
  });

  it('gets no request for an invalid object name, because the URL could then have another path', async () => {
    await using started = await start(() => undefined);
    const { server, source } = started;
    await until(source, ({ synced }) => synced);
    const names = ['', '.', '..', '../../nodes', 'a/b', 'a?watch=1', 'a#b', '%2e%2e', 'A', ' a', 'x'.repeat(254)];
    for (const name of names) {
      assert.equal(await source.lookups.network('default', name, signal), undefined, name);
      assert.equal(await source.lookups.network(name, 'net', signal), undefined, name);
      assert.equal(await source.lookups.namespace(name, signal), undefined, name);
    }
    const asked = server.requests.map((line) => line.split('?')[0]);
    assert.deepEqual(
      asked.filter((line) => /network-attachment-definitions\/|\/namespaces\/(?!macvtap-cni\/)/.test(line ?? '')),
      [],
    );
    await source.lookups.network('default', 'x'.repeat(253), signal);
    assert.match(server.requests.at(-1) ?? '', /namespaces\/default\/network-attachment-definitions\/x{253}$/);
  });

  it('is asked for only the metadata of Nodes and Namespaces, and for all other objects in full', async () => {
    const asked = new Map<string, boolean>();
    await using started = await start((server) => {
      server.intercept(({ kind, metadataOnly }) => void asked.set(kind, metadataOnly));
    });
    await until(started.source, ({ synced }) => synced);
    assert.deepEqual(
      [...asked]
        .filter(([, metadataOnly]) => metadataOnly)
        .map(([kind]) => kind)
        .sort(),
      ['Namespace', 'Node'],
    );
    assert.equal(asked.size, 6);
  });

  it('may return a policy whose label value is nested 5,000 levels deep: only this policy is invalid', async () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`);
    await using started = await start((server) => {
      server.store.put(policy('deep', { ...onEth0, nodeSelector: { matchLabels: { a: deep } } }));
    });
    const { server, source } = started;
    await until(source, ({ synced, faults }) => synced && faults.length > 0);
    await pollUntil(
      async () => server.watches,
      (watches) => watches === 6,
    );
    server.silenceWatches();
    server.store.put(policy('last', onEth0));
    server.store.compact();
    server.endWatches('cut');
    await until(source, ({ snapshot }) => snapshot.policies.length === 2);
    assert.deepEqual(
      source.snapshot.policies.map(({ id, faults }) => [id, faults.length]),
      [
        ['macvtap-cni/deep', 1],
        ['macvtap-cni/last', 0],
      ],
    );
  });

  it('that does not answer a look-up makes the look-up fail within its time limit', async () => {
    await using started = await start(() => undefined);
    const { server, source } = started;
    const { lookups } = source;
    const asks = () => [
      lookups.network('default', 'net', signal),
      lookups.namespace('default', signal),
      lookups.policies(signal),
    ];
    for (const interception of [
      { status: 500, body: { message: 'etcd' } },
      'hang',
      'reset',
      { status: 200, body: '[]' },
    ] as const) {
      server.intercept(() => interception);
      for (const asked of asks()) await assert.rejects(asked, { code: 'LookupFailed' }, JSON.stringify(interception));
    }
  });
});

describe('the wait before a new snapshot', () => {
  it('is 20 times as long as the last snapshot took, at least 10 ms and at most 250 ms', () => {
    assert.deepEqual([0, 0.4, 0.5, 4, 12.5, 2_000].map(coalesceMs), [10, 10, 10, 80, 250, 250]);
  });
});
