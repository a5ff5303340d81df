// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { policyNamespace as namespace, policy } from '../../test/fixtures/plan/build-example.ts';
import { codesOf, editsOf, emptySnapshot, stageReviews } from '../../test/fixtures/webhook/review-stage.ts';
import { measureBlast } from './node-policy.ts';

const kind = 'MacvtapNetworkNodePolicy';
const entry = { parentIface: 'eth1', mode: 'vepa', resourceName: 'quick' } as const;

function policyObject(entries: readonly object[] = [entry], spec: object = {}) {
  return { metadata: { name: 'p' }, spec: { parentSelector: entries, ...spec } };
}

/** Returns nodes with the interface eth1. The policy p exposes it as `quick`, and two devices of `quick` are held. */
function cluster(count: number): Pick<Snapshot, 'nodes' | 'nodeStates' | 'policies'> {
  const names = Array.from({ length: count }, (_, index) => `h${index + 1}`);
  const resource = {
    name: 'quick',
    parent: 'eth1',
    mode: 'vepa',
    source: 'policy',
    policy: `${namespace}/p`,
    quantity: 100,
  };
  const state = (name: string): MacvtapNetworkNodeState =>
    ({
      apiVersion: 'v1',
      kind: 'MacvtapNetworkNodeState',
      metadata: { name },
      status: { interfaces: [{ name: 'eth1' }], resources: [{ ...resource, held: 2, health: 'Healthy' }] },
    }) as MacvtapNetworkNodeState;
  return {
    nodes: new Map(names.map((name) => [name, { name, labels: {} }])),
    nodeStates: new Map(names.map((name) => [name, state(name)])),
    policies: [policy('p', { parentSelector: [entry] })],
  };
}

describe('a policy', () => {
  it('gets its label values converted to strings, and its defaults filled in', async () => {
    const object = policyObject([entry], { nodeSelector: { matchLabels: { macvtapAware: true } } });
    const answer = await stageReviews().review('mutate', kind, { namespace, object });
    const edits = Object.fromEntries(editsOf(answer).map(({ path, value }) => [path, value]));
    assert.equal(edits['/spec/nodeSelector/matchLabels/macvtapAware'], 'true');
    assert.equal(edits['/spec/priority'], 99);
    assert.equal(edits['/spec/parentSelector/0/quantity'], 100);
  });

  it("with an error is denied, also outside the installation's namespace", async () => {
    const { review } = stageReviews();
    const passthru = { ...entry, mode: 'passthru', quantity: 2 };
    const denied = await review('validate', kind, { namespace, object: policyObject([passthru]) });
    assert.deepEqual(codesOf(denied), ['PassthruQuantity']);
    const elsewhere = await review('validate', kind, { namespace: 'tenant', object: policyObject() });
    assert.deepEqual(codesOf(elsewhere), ['PolicyOutsideNamespace']);
  });

  it('that the schema would refuse still gets an answer', async () => {
    const { review, events } = stageReviews();
    const huge = { parentSelector: Array.from({ length: 20_000 }, () => entry) };
    for (const spec of [undefined, null, 7, [], { parentSelector: null }, { parentSelector: [null] }, huge]) {
      const object = { metadata: { name: 'p' }, spec };
      assert.equal((await review('mutate', kind, { namespace, object })).allowed, true);
      assert.deepEqual(codesOf(await review('validate', kind, { namespace, object })), ['SchemaFault']);
    }
    assert.ok(!events.some((event) => event.startsWith('bug')), events.join());
  });

  it('with an interface that no node has gets a similar name that nodes have', async () => {
    const report = (names: readonly string[]) => ({
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1' as const,
      kind: 'MacvtapNetworkNodeState' as const,
      metadata: { name: 'h' },
      status: { interfaces: names.map((name) => ({ name, altNames: [`${name}alt`] })) },
    });
    const names = ['h1', 'h2'];
    const cached = {
      nodes: new Map(names.map((name) => [name, { name, labels: {} }])),
      nodeStates: new Map(names.map((name) => [name, report(['bond1', 'eth0'])])),
    };
    const told = async (parentIface: string) =>
      (
        await stageReviews({ cached }).review('validate', kind, { namespace, object: policyObject([{ parentIface }]) })
      ).warnings?.filter((warning) => warning.startsWith('InterfaceNotFound'));
    assert.match(
      (await told('bnod1'))?.join() ?? '',
      /^InterfaceNotFound spec\.parentSelector\[0\].*did you mean bond1/,
    );
    for (const name of ['bond1', 'bond1alt', 'bond2', 'storage0']) assert.deepEqual(await told(name), []);
  });

  it('that is edited gets warnings about resources that nodes lose, change and gain, and held devices', async () => {
    const { review } = stageReviews({ cached: cluster(3) });
    const ask = (object: object) =>
      review('validate', kind, { namespace, operation: 'UPDATE', object, oldObject: policyObject() });
    const told = async (object: object) => (await ask(object)).warnings?.join('\n') ?? '';
    const changed = await told(policyObject([{ ...entry, mode: 'bridge' }]));
    assert.match(changed, /ResourceChanged.*quick: 3 nodes change it.*6 devices held.*vepa -> bridge/);
    assert.match(
      await told(policyObject([{ ...entry, resourceName: 'slow' }])),
      /ResourceLost.*quick(.|\n)*ResourceGained.*slow/,
    );
    const labelled = { ...policyObject(), metadata: { name: 'p', labels: { a: 'b' } } };
    assert.deepEqual(await ask(labelled), { uid: 'u', allowed: true }, 'new metadata changes nothing');
  });

  it('that is deleted passes, with warnings about the resources that nodes lose and fall back to', async () => {
    const { review } = stageReviews({ cached: cluster(2) });
    const answer = await review('validate', kind, { namespace, operation: 'DELETE', oldObject: policyObject() });
    assert.equal(answer.allowed, true);
    assert.match(answer.warnings?.join('\n') ?? '', /ResourceLost.*quick: 2 nodes lose it.*4 devices held/);
    const elsewhere = await review('validate', kind, { operation: 'DELETE', oldObject: policyObject() });
    assert.deepEqual(elsewhere, { uid: 'u', allowed: true });
    const broken = await review('validate', kind, { namespace, operation: 'DELETE', oldObject: { metadata: {} } });
    assert.equal(broken.allowed, true);
  });

  it('is validated before the first sync, but without warnings about its effects on nodes', async () => {
    const { review } = stageReviews({ cached: cluster(2), synced: false });
    const answer = await review('validate', kind, { namespace, operation: 'DELETE', oldObject: policyObject() });
    assert.deepEqual(answer.warnings, [
      'the effects on nodes are not known yet: this webhook just started and has not read the nodes',
    ]);
  });
});

describe('the effect of a policy on thousands of nodes', () => {
  const [before] = cluster(1).policies;
  const deps = { source: { snapshot: { ...emptySnapshot, ...cluster(2_000) }, synced: true }, exposure: undefined };

  it('is measured in slices, between which other requests are answered', async () => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const { verdicts, notice } = await measureBlast({ ...(before && { before }) }, deps, () => false);
    isOver = true;
    assert.match(verdicts[0]?.detail ?? '', /2000 nodes lose it/);
    assert.equal(notice, undefined);
    assert.ok(turns > 10, `${turns} turns of the loop`);
  });

  it('covers only the nodes planned so far when the answer is due', async () => {
    let asked = 0;
    const isDue = (): boolean => {
      asked += 1;
      return asked > 1_370;
    };
    const { verdicts, notice } = await measureBlast({ ...(before && { before }) }, deps, isDue);
    assert.match(verdicts[0]?.detail ?? '', /1370 nodes lose it.*2740 devices held/);
    assert.equal(notice, 'the effects on nodes cover only 1370 of 2000 nodes: time was up');
    const none = await measureBlast({ ...(before && { before }) }, deps, () => true);
    assert.deepEqual(none, { verdicts: [], notice: 'the effects on nodes cover only 0 of 2000 nodes: time was up' });
  });

  it('is measured until the answer is due, and the notice about missing nodes comes first', async () => {
    const { review } = stageReviews({ cached: cluster(2_000) });
    const ask = (timeout: string) =>
      review('validate', kind, { namespace, operation: 'DELETE', oldObject: policyObject() }, timeout);
    assert.match((await ask('30m')).warnings?.join('\n') ?? '', /^ResourceLost.*quick: 2000 nodes lose it/);
    const { allowed, warnings } = await ask('1ns');
    assert.equal(allowed, true);
    assert.match(warnings?.[0] ?? '', /^the effects on nodes cover only 0 of 2000 nodes/);
  });
});

test('all warnings of the answer together are within the limits', async () => {
  const entries = Array.from({ length: 64 }, (_, index) => ({ parentIface: `eth${index}`, resourceName: `r${index}` }));
  const policies = Array.from({ length: 60 }, (_, index) => policy(`other-${index}`, { parentSelector: entries }));
  const { review } = stageReviews({ cached: { ...cluster(5), policies } });
  const { warnings = [] } = await review('validate', kind, { namespace, object: policyObject(entries) });
  assert.ok(warnings.length > 1);
  assert.ok(warnings.every((warning) => [...warning].length <= 256));
  assert.ok([...warnings.join('')].length <= 4_096);
});
