// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LiveSource, Source } from '../../cluster/source.ts';
import { until } from '../fixtures/manifests-directory.ts';

/** An object as a user writes it. */
export interface WrittenObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A separate cluster for one test, with a way to change it. */
export interface ClusterUnderContract extends AsyncDisposable {
  apply(object: WrittenObject): Promise<void>;
  remove(object: WrittenObject): Promise<void>;
  open(): Promise<LiveSource>;
}

const policyNamespace = 'macvtap-cni';
const group = 'macvtap.network.kubevirt.io/v1alpha1';

type Labels = Readonly<Record<string, string>>;

export const node = (name: string, labels: Labels = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
});
export const namespace = (name: string, labels: Labels = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
export const policy = (name: string, spec: object) => ({
  apiVersion: group,
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name, namespace: policyNamespace },
  spec,
});
const onParent = (parentIface: string) => ({ parentSelector: [{ parentIface, mode: 'bridge' }] });
export const network = (name: string, config: string) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name, namespace: 'default', annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'example.com/x' } },
  spec: { config },
});
export const nodeState = (name: string, ...interfaces: readonly string[]) => ({
  apiVersion: group,
  kind: 'MacvtapNetworkNodeState',
  metadata: { name },
  status: { source: 'none', interfaces: interfaces.map((nic) => ({ name: nic, kind: 'device', mtu: 9_000 })) },
});
export const explicit = (text: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'macvtap-deviceplugin-config', namespace: policyNamespace },
  data: { DP_MACVTAP_CONF: text },
});

/** Returns the parents of each policy, by ID. */
const parentsOf = ({ snapshot }: Source) =>
  Object.fromEntries(
    snapshot.policies
      .map(
        ({ id, entries }) => [id, entries.map(({ parent }) => ('name' in parent ? parent.name : '')).join()] as const,
      )
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
const stateNames = ({ snapshot }: Source, name: string) =>
  snapshot.nodeStates
    .get(name)
    ?.status?.interfaces?.map((nic) => nic.name)
    .join();
const entriesOf = ({ snapshot: { explicit: config } }: Source) =>
  config === undefined ? undefined : 'entries' in config ? config.entries.map(({ name }) => name).join() : 'fault';
const never = new AbortController().signal;

/** The differences that sources may have. */
export interface SourceTraits {
  /**
   * The effect of an edit that makes a policy invalid. Policies in files keep their last good version, because a file
   * may be incomplete while it is written. An API server has exactly what a user wrote.
   */
  readonly faultyPolicies: 'keep their last good version' | 'count as they are';
}

/** Tests the behavior that every reader of a cluster relies on. `start` gives each test a separate cluster. */
export function testSourceContract(
  title: string,
  { faultyPolicies }: SourceTraits,
  start: () => Promise<ClusterUnderContract>,
): void {
  describe(`${title} as a source`, { concurrency: 1 }, () => {
    test('an empty cluster is synced and has no macvtap objects', async () => {
      await using cluster = await start();
      await using source = await cluster.open();
      await until(source, ({ synced }) => synced);
      const { policies, networks, nodeStates, explicit: config } = source.snapshot;
      assert.deepEqual([policies.length, networks.size, nodeStates.size, config], [0, 0, 0, undefined]);
      assert.deepEqual(source.faults, []);
    });

    test('a synced source has read every kind, and receives later changes', async () => {
      await using cluster = await start();
      await using source = await cluster.open();
      await until(source, ({ synced }) => synced);
      const heard = () => Math.max(...[...source.confirmedMs.values()].map((ms) => ms ?? Number.NaN));
      const before = heard();
      assert.ok(before <= performance.now(), `${before}`);
      await cluster.apply(node('h1'));
      await until(source, ({ snapshot }) => snapshot.nodes.has('h1'));
      assert.ok(heard() > before);
    });

    test('existing objects are in the first synced snapshot', async () => {
      await using cluster = await start();
      await cluster.apply(node('h1', { zone: 'a' }));
      await cluster.apply(namespace('vms', { team: 'x' }));
      await cluster.apply(policy('p', onParent('eth0')));
      await cluster.apply(network('net', '{"type":"macvtap"}'));
      await cluster.apply(nodeState('h1', 'eth0', 'eth1'));
      await cluster.apply(explicit('[{"name":"dp","lowerDevice":"eth1"}]'));
      await using source = await cluster.open();
      await until(source, ({ synced }) => synced);
      const { snapshot } = source;
      assert.equal(snapshot.nodes.get('h1')?.labels.zone, 'a');
      assert.equal(snapshot.namespaces.get('vms')?.team, 'x');
      assert.deepEqual(parentsOf(source), { 'macvtap-cni/p': 'eth0' });
      assert.equal(snapshot.networks.get('default/net')?.spec?.config, '{"type":"macvtap"}');
      assert.equal(
        snapshot.networks.get('default/net')?.metadata.annotations?.['k8s.v1.cni.cncf.io/resourceName'],
        'example.com/x',
      );
      assert.equal(stateNames(source, 'h1'), 'eth0,eth1');
      assert.equal(entriesOf(source), 'dp');
    });

    test('objects that are added, changed and deleted are followed', async () => {
      await using cluster = await start();
      await using source = await cluster.open();
      const steps: readonly [object: WrittenObject, isThere: (now: Source) => boolean][] = [
        [node('h1', { zone: 'a' }), ({ snapshot }) => snapshot.nodes.get('h1')?.labels.zone === 'a'],
        [node('h1', { zone: 'b' }), ({ snapshot }) => snapshot.nodes.get('h1')?.labels.zone === 'b'],
        [namespace('vms', { team: 'x' }), ({ snapshot }) => snapshot.namespaces.get('vms')?.team === 'x'],
        [namespace('vms', { team: 'y' }), ({ snapshot }) => snapshot.namespaces.get('vms')?.team === 'y'],
        [policy('p', onParent('eth0')), (now) => parentsOf(now)['macvtap-cni/p'] === 'eth0'],
        [policy('p', onParent('eth1')), (now) => parentsOf(now)['macvtap-cni/p'] === 'eth1'],
        [network('net', '{}'), ({ snapshot }) => snapshot.networks.get('default/net')?.spec?.config === '{}'],
        [network('net', '[]'), ({ snapshot }) => snapshot.networks.get('default/net')?.spec?.config === '[]'],
        [nodeState('h1', 'eth0'), (now) => stateNames(now, 'h1') === 'eth0'],
        [nodeState('h1', 'eth0', 'eth1'), (now) => stateNames(now, 'h1') === 'eth0,eth1'],
        [explicit('[{"name":"a","lowerDevice":"eth0"}]'), (now) => entriesOf(now) === 'a'],
        [explicit('[{"name":"b","lowerDevice":"eth0"}]'), (now) => entriesOf(now) === 'b'],
      ];
      for (const [object, isThere] of steps) {
        await cluster.apply(object);
        await until(source, isThere);
      }
      for (const object of [node('h1'), policy('p', {}), network('net', ''), nodeState('h1'), explicit('')]) {
        await cluster.remove(object);
      }
      await until(source, ({ snapshot: { nodes, policies, networks, nodeStates, explicit: config } }) =>
        [nodes.has('h1'), policies.length > 0, networks.size > 0, nodeStates.size > 0, config !== undefined].every(
          (isLeft) => !isLeft,
        ),
      );
      assert.deepEqual(source.faults, []);
    });

    test('a burst ends in its last state, whatever the order', async () => {
      const objects = ['a', 'b', 'c', 'd'].map((name) => policy(name, onParent('eth0')));
      const results = [];
      for (const order of [objects, objects.toReversed()]) {
        await using cluster = await start();
        await using source = await cluster.open();
        await Promise.all(order.map((object) => cluster.apply(object)));
        await cluster.apply(policy('b', onParent('eth9')));
        await until(source, (now) => Object.values(parentsOf(now)).join() === 'eth0,eth9,eth0,eth0');
        results.push(source.snapshot.policies.map(({ id }) => id));
      }
      assert.deepEqual(results[0], results[1]);
    });

    test('unchanged objects are identical in the next snapshot, and no snapshot ever changes', async () => {
      await using cluster = await start();
      await cluster.apply(policy('p', onParent('eth0')));
      await cluster.apply(nodeState('h1', 'eth0'));
      await cluster.apply(node('h1'));
      await using source = await cluster.open();
      await until(source, ({ synced }) => synced);
      const before = source.snapshot;
      await cluster.apply(node('h2'));
      await until(source, ({ snapshot }) => snapshot.nodes.has('h2'));
      const after = source.snapshot;
      assert.notEqual(after, before);
      assert.equal(before.nodes.has('h2'), false);
      assert.equal(after.policies[0], before.policies[0]);
      assert.equal(after.nodeStates.get('h1'), before.nodeStates.get('h1'));
      assert.equal(after.nodes.get('h1'), before.nodes.get('h1'));
    });

    test('if a config map becomes invalid, its last good version stays in force, with errors until it is fixed', async () => {
      await using cluster = await start();
      await cluster.apply(explicit('[{"name":"a","lowerDevice":"eth0"}]'));
      await using source = await cluster.open();
      await until(source, (now) => entriesOf(now) === 'a');
      await cluster.apply(explicit('[{'));
      await until(source, ({ faults }) => faults.length > 0);
      assert.equal(entriesOf(source), 'a');
      assert.match(source.faults[0]?.message ?? '', /DP_MACVTAP_CONF: line 1, column 3: /);
      await cluster.apply(node('h9'));
      await until(source, ({ snapshot }) => snapshot.nodes.has('h9'));
      assert.deepEqual([entriesOf(source), source.faults.length], ['a', 1]);
      await cluster.apply(explicit('[{"name":"b","lowerDevice":"eth0"}]'));
      await until(source, (now) => entriesOf(now) === 'b' && now.faults.length === 0);
      await cluster.apply(explicit('[{'));
      await until(source, ({ faults }) => faults.length > 0);
      await cluster.remove(explicit(''));
      await until(source, (now) => entriesOf(now) === undefined && now.faults.length === 0);
    });

    test(`policies that become invalid ${faultyPolicies}, report errors, and can be fixed`, async () => {
      await using cluster = await start();
      const faulty = { parentSelector: [{ nicSelector: { names: ['ens['] }, mode: 'bridge' }] };
      await cluster.apply(policy('p', onParent('eth0')));
      await using source = await cluster.open();
      await until(source, (now) => parentsOf(now)['macvtap-cni/p'] === 'eth0');
      await cluster.apply(policy('p', faulty));
      await until(source, ({ faults }) => faults.length > 0);
      await using late = await cluster.open();
      await until(late, ({ synced }) => synced);
      const codesIn = ({ snapshot }: Source) =>
        snapshot.policies.flatMap(({ faults }) => faults.map(({ code }) => code));
      assert.deepEqual(codesIn(late), ['BadGlob']);
      if (faultyPolicies === 'count as they are') assert.deepEqual(source.snapshot.policies, late.snapshot.policies);
      else assert.deepEqual([codesIn(source), parentsOf(source)], [[], { 'macvtap-cni/p': 'eth0' }]);
      await cluster.apply(policy('p', onParent('eth1')));
      await until(source, (now) => parentsOf(now)['macvtap-cni/p'] === 'eth1' && now.faults.length === 0);
    });

    test('an object that was never valid still restricts what it can, and reports its errors', async () => {
      await using cluster = await start();
      await cluster.apply(explicit('[{'));
      const glob = { parentSelector: [{ nicSelector: { names: ['ens['] }, mode: 'bridge' }] };
      await cluster.apply(policy('bad', glob));
      await cluster.apply(policy('good', onParent('eth0')));
      await using source = await cluster.open();
      await until(source, ({ synced }) => synced);
      assert.equal(entriesOf(source), 'fault');
      const errorCodesOf = (name: string) =>
        source.snapshot.policies.find(({ id }) => id === `macvtap-cni/${name}`)?.faults.map(({ code }) => code);
      assert.deepEqual([errorCodesOf('bad'), errorCodesOf('good')], [['BadGlob'], []]);
      assert.equal(source.faults.length, 2, JSON.stringify(source.faults));
    });

    test('listeners are called after the change, until their scope ends', async () => {
      await using cluster = await start();
      await using source = await cluster.open();
      await until(source, ({ synced }) => synced);
      const calls: string[] = [];
      const listener = (name: string) => () => source.snapshot.nodes.has('h1') && calls.push(name);
      source.onChange(listener('ended'))[Symbol.dispose]();
      using _follows = source.onChange(listener('follows'));
      await cluster.apply(node('h1'));
      await until(source, ({ snapshot }) => snapshot.nodes.has('h1'));
      assert.deepEqual(new Set(calls), new Set(['follows']));
    });

    test('a look-up finds objects that were just created, and returns undefined for missing ones', async () => {
      await using cluster = await start();
      await using source = await cluster.open();
      const { lookups } = source;
      await cluster.apply(network('net', '{"type":"macvtap"}'));
      assert.equal((await lookups.network('default', 'net', never))?.spec?.config, '{"type":"macvtap"}');
      await cluster.apply(namespace('vms', { team: 'x' }));
      assert.equal((await lookups.namespace('vms', never))?.team, 'x');
      await cluster.apply(policy('p', onParent('eth0')));
      assert.deepEqual(
        (await lookups.policies(never)).map(({ id }) => id),
        ['macvtap-cni/p'],
      );
      for (const name of ['gone', '', '..', 'a/b', 'A', 'x'.repeat(300), '%2e%2e', '../../../nodes', '?watch=1']) {
        assert.equal(await lookups.network('default', name, never), undefined, `network ${name}`);
        assert.equal(await lookups.network(name, 'net', never), undefined, `in namespace ${name}`);
        assert.equal(await lookups.namespace(name, never), undefined, `namespace ${name}`);
      }
    });

    test('an aborted look-up rejects with LookupFailed', async () => {
      await using cluster = await start();
      await using source = await cluster.open();
      const over = AbortSignal.abort(new Error('over'));
      await assert.rejects(source.lookups.network('default', 'net', over), { code: 'LookupFailed' });
      await assert.rejects(source.lookups.namespace('default', over), { code: 'LookupFailed' });
      await assert.rejects(source.lookups.policies(over), { code: 'LookupFailed' });
    });

    test('after its end nothing changes and no listener is called; ending it again has no effect', async () => {
      await using cluster = await start();
      const source = await cluster.open();
      await until(source, ({ synced }) => synced);
      let calls = 0;
      source.onChange(() => {
        calls += 1;
      });
      await source[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      const last = source.snapshot;
      await cluster.apply(node('h1'));
      await using witness = await cluster.open();
      await until(witness, ({ snapshot }) => snapshot.nodes.has('h1'));
      assert.deepEqual([source.snapshot === last, calls], [true, 0]);
    });
  });
}
