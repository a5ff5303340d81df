// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import type { PolicyStatus } from '../../../policy/status/decide-status.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../../test/process/until.ts';
import { emptySnapshot, type Snapshot } from '../../source.ts';
import { reportProblems, writePolicyStatuses } from './write-policy-statuses.ts';

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const kind = 'MacvtapNetworkNodePolicy';
const policyObject = (name: string, parentIface = 'eth0', namespace = 'macvtap-cni') => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec: { parentSelector: [{ parentIface }] },
});
const nodes = new Map(['h1', 'h2'].map((name) => [name, { name, labels: {} }]));
const stateOf = (name: string, generation: number): MacvtapNetworkNodeState => ({
  apiVersion,
  kind: 'MacvtapNetworkNodeState',
  metadata: { name },
  status: {
    observedPolicies: [{ name: 'macvtap-cni/p', generation }],
    resources: [{ name: 'eth0', source: 'policy', policy: 'macvtap-cni/p', entry: 0, mode: 'bridge', quantity: 1 }],
  },
});

/** Starts a status writer with a fake API server, and with a fixed set of nodes. */
async function start() {
  await using scope = new AsyncDisposableStack();
  const server = scope.use(await startApiServer());
  const client = scope.use(connectStandIn(server));
  const listeners = new Set<() => void>();
  let snapshot: Snapshot = { ...emptySnapshot, nodes };
  let synced = true;
  const source = {
    get snapshot() {
      return snapshot;
    },
    get synced() {
      return synced;
    },
    onChange(listener: () => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const change = (more: Partial<Snapshot>, isSynced = true) => {
    snapshot = { ...snapshot, ...more };
    synced = isSynced;
    for (const listener of listeners) listener();
  };
  const reported: (string | undefined)[] = [];
  const ending = new AbortController();
  const owned = scope.move();
  const begin = () => {
    const running = writePolicyStatuses(
      {
        client,
        source,
        policyNamespace: 'macvtap-cni',
        onWritten: () => {},
        onState: (error) => reported.push(error?.message),
      },
      ending.signal,
    );
    owned.defer(async () => {
      ending.abort();
      await running;
    });
  };
  const read = (id: string) => server.store.get(`${kind}/${id}`)?.status as PolicyStatus | undefined;
  return {
    server,
    change,
    reported,
    begin,
    read,
    writes: () => server.requests.filter((request) => request.startsWith('PATCH')),
    untilStatus: (id: string, isWanted: (status: PolicyStatus) => boolean) =>
      until(
        async () => read(id),
        (status) => status !== undefined && isWanted(status),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const reasons = (status: PolicyStatus | undefined) => status?.conditions?.map(({ reason }) => reason).join();

describe('the statuses of policies', { concurrency: 4 }, () => {
  it('follow the reports of nodes, with one write for reports that arrive together', async () => {
    await using keeper = await start();
    keeper.server.store.put(policyObject('p'));
    keeper.begin();
    await keeper.untilStatus('macvtap-cni/p', (status) => reasons(status) === 'Valid,Pending,Pending');
    for (const name of ['h1', 'h2']) {
      const before = name === 'h2' ? [['h1', stateOf('h1', 1)] as const] : [];
      keeper.change({ nodeStates: new Map([...before, [name, stateOf(name, 1)]]) });
    }
    const status = await keeper.untilStatus('macvtap-cni/p', ({ exposingNodes }) => exposingNodes === 2);
    assert.equal(reasons(status), 'Valid,Exposing,NoConflict');
    assert.deepEqual(status?.entries, [{ index: 0, nodes: 2 }]);
    assert.equal(keeper.writes().length, 2);
    assert.match(keeper.writes()[0] ?? '', /\/status\?fieldManager=kube-macvtap-status&force=true$/);
  });

  it('are not written before nodes were read, or if they are already up to date', async () => {
    await using keeper = await start();
    keeper.change({}, false);
    keeper.server.store.put(policyObject('p'));
    keeper.begin();
    await sleep(1_500);
    assert.deepEqual(keeper.writes(), []);
    keeper.change({}, true);
    await keeper.untilStatus('macvtap-cni/p', () => true);
    const { length } = keeper.server.requests;
    keeper.change({ nodes: new Map(nodes) });
    await sleep(1_500);
    assert.deepEqual(keeper.server.requests.slice(length), []);
  });

  it("report a policy outside the installation's namespace, and the errors of an invalid policy", async () => {
    await using keeper = await start();
    keeper.server.store.put(policyObject('stray', 'eth0', 'tenant'));
    keeper.server.store.put({ ...policyObject('broken'), spec: { parentSelector: [{}] } });
    keeper.begin();
    await keeper.untilStatus('tenant/stray', (status) => /^PolicyOutsideNamespace,/.test(reasons(status) ?? ''));
    await keeper.untilStatus('macvtap-cni/broken', (status) => /^PolicyInvalid,/.test(reasons(status) ?? ''));
  });

  it('are corrected after another client changed them', async () => {
    await using keeper = await start();
    keeper.server.store.put(policyObject('p'));
    keeper.begin();
    const written = await keeper.untilStatus('macvtap-cni/p', () => true);
    keeper.server.store.put({ ...policyObject('p'), status: { ...written, matchedNodes: 77 } });
    await keeper.untilStatus('macvtap-cni/p', ({ matchedNodes }) => matchedNodes === 2);
  });

  it('that cannot be written do not delay others, and are retried', async () => {
    await using keeper = await start();
    let isRefused = true;
    keeper.server.intercept(({ method, name }) =>
      method === 'PATCH' && name === 'bad' && isRefused ? { status: 500, body: { message: 'not now' } } : undefined,
    );
    keeper.server.store.put(policyObject('bad'));
    keeper.server.store.put(policyObject('good'));
    keeper.begin();
    await keeper.untilStatus('macvtap-cni/good', () => true);
    assert.equal(keeper.read('macvtap-cni/bad'), undefined);
    await until(
      async () => keeper.writes().filter((request) => request.includes('/bad/')).length,
      (tries) => tries > 2,
    );
    assert.equal(keeper.reported.length, 1, 'the failure is reported once, even if other statuses are written later');
    assert.match(
      keeper.reported[0] ?? '',
      /^apply the status of MacvtapNetworkNodePolicy macvtap-cni\/bad: 500: not now/,
    );
    isRefused = false;
    await keeper.untilStatus('macvtap-cni/bad', () => true);
    // The server stores the status before its response arrives.
    await until(
      async () => keeper.reported.length,
      (length) => length === 2,
    );
    assert.equal(keeper.reported[1], undefined);
  });

  it('of a deleted policy are no longer a problem if they could not be written', async () => {
    await using keeper = await start();
    keeper.server.intercept(({ method }) =>
      method === 'PATCH' ? { status: 500, body: { message: 'not now' } } : undefined,
    );
    keeper.server.store.put(policyObject('bad'));
    keeper.begin();
    await until(
      async () => keeper.reported.length,
      (length) => length === 1,
    );
    keeper.server.store.remove(`${kind}/macvtap-cni/bad`);
    await until(
      async () => keeper.reported.length,
      (length) => length === 2,
    );
    assert.equal(keeper.reported[1], undefined);
  });

  it('are not a problem if the policy was deleted or recreated', async () => {
    await using keeper = await start();
    let made = 0;
    keeper.server.intercept(({ method }) => {
      if (method !== 'PATCH' || made > 1) return undefined;
      made += 1;
      keeper.server.store.remove(`${kind}/macvtap-cni/p`);
      keeper.server.store.put(policyObject('p', `eth${made}`));
      return { status: made === 1 ? 404 : 409, body: {} };
    });
    keeper.server.store.put(policyObject('p'));
    keeper.begin();
    await keeper.untilStatus('macvtap-cni/p', () => true);
    assert.deepEqual([made, keeper.reported], [2, []]);
  });

  it('are still written after all watches broke and the API server dropped their version (410)', async () => {
    await using keeper = await start();
    keeper.server.store.put(policyObject('p'));
    keeper.begin();
    await keeper.untilStatus('macvtap-cni/p', () => true);
    keeper.server.endWatches('cut');
    keeper.server.store.put(policyObject('q'));
    keeper.server.store.compact();
    await keeper.untilStatus('macvtap-cni/q', () => true);
  });
});

function collectProblems() {
  const reported: (string | undefined)[] = [];
  return { reported, troubles: reportProblems((error) => reported.push(error?.message)) };
}
const refused = (what: string) => new MacvtapError('ApiServerRefused', `apply ${what}: 403`);
const away = (what: string) => new MacvtapError('ApiServerUnreachable', `PATCH ${what}: ECONNREFUSED`);

test('a problem is reported once while it lasts, and undefined is reported when the last one ends', () => {
  const { reported, troubles } = collectProblems();
  troubles.ended('good');
  troubles.failed('a', refused('a'));
  troubles.ended('good');
  troubles.failed('a', refused('a'));
  troubles.failed('b', refused('b'));
  troubles.ended('a');
  assert.deepEqual(reported, ['apply a: 403', 'apply b: 403']);
  troubles.ended('b');
  troubles.failed('a', refused('a'));
  assert.deepEqual(reported.slice(2), [undefined, 'apply a: 403']);
});

test('an unreachable server is one problem for all policies', () => {
  const { reported, troubles } = collectProblems();
  for (const id of ['a', 'b', 'c']) troubles.failed(id, away(id));
  for (const id of ['a', 'b', 'c']) troubles.ended(id);
  assert.deepEqual(reported, ['PATCH a: ECONNREFUSED', undefined]);
});
