// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { type Policy, readPolicy } from '../nodepolicy/read-policy.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import { createStatusIndex, type StatusIndex, type StatusInput } from './status-index.ts';

const policyNamespace = 'macvtap-cni';
const policy = (name: string, generation: number, zone?: string): Policy =>
  readPolicy(
    {
      metadata: { name, namespace: policyNamespace, generation },
      spec: {
        parentSelector: [{ parentIface: 'eth0' }, { parentIface: 'eth1' }],
        ...(zone !== undefined && { nodeSelector: { matchLabels: { zone } } }),
      },
    },
    { policyNamespace },
  );
const node = (name: string, zone: string): NodeFacts => ({ name, labels: { zone } });
type Resources = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['resources']>;
const state = (
  name: string,
  observed: Readonly<Record<string, number>>,
  resources: Resources = [],
  conflicts: readonly { policy: string; code: string; by?: string }[] = [],
): MacvtapNetworkNodeState =>
  ({
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodeState',
    metadata: { name },
    status: {
      observedPolicies: Object.entries(observed).map(([id, generation]) => ({ name: id, generation })),
      resources,
      conflicts: conflicts.map((conflict, index) => ({ name: String(index), ...conflict })),
    },
  }) as MacvtapNetworkNodeState;
const resource = (id: string, entry: number, health: 'Healthy' | 'Degraded' | 'Unhealthy' = 'Healthy') =>
  ({ name: `net${entry}`, source: 'policy', policy: id, entry, quantity: 1, health }) as const;

const factsOf = (
  policies: readonly Policy[],
  nodes: readonly NodeFacts[],
  states: readonly MacvtapNetworkNodeState[],
): StatusInput => ({
  policies: new Map(policies.map((each) => [each.id, each])),
  nodes: new Map(nodes.map((each) => [each.name, each])),
  nodeStates: new Map(states.map((each) => [each.metadata?.name as string, each])),
});

function follow(index: StatusIndex, facts: StatusInput): { touched: readonly string[]; slices: number } {
  const steps = index.follow(facts);
  for (let slices = 1; ; slices += 1) {
    const step = steps.next();
    if (step.done) return { touched: [...step.value].sort(), slices };
  }
}

const [p, q] = ['macvtap-cni/p', 'macvtap-cni/q'];

describe('the tally of a policy', () => {
  for (const [what, zone, reported, standing] of [
    ['that is not selected', 'b', undefined, 'none'],
    ['that has not reported', 'a', undefined, 'pending'],
    ['that reported another generation', 'a', state('h', { [p]: 1 }, [resource(p, 0)]), 'pending'],
    ['that offers devices', 'a', state('h', { [p]: 2 }, [resource(p, 0)]), 'exposing'],
    ['whose parent is down', 'a', state('h', { [p]: 2 }, [resource(p, 0, 'Degraded')]), 'exposing'],
    ['whose devices are all unhealthy', 'a', state('h', { [p]: 2 }, [resource(p, 0, 'Unhealthy')]), 'unhealthy'],
    ['that finds nothing', 'a', state('h', { [p]: 2 }, [resource(q, 0)]), 'finding-nothing'],
    [
      'on which the policy loses all conflicts',
      'a',
      state('h', { [p]: 2 }, [], [{ policy: p, code: 'ResourceNameTaken', by: q }]),
      'losing',
    ],
    [
      'that is no longer selected but still exposes a resource',
      'b',
      state('h', { [p]: 1 }, [resource(p, 0)]),
      'leaving',
    ],
  ] as const) {
    it(`counts a node ${what} as ${standing}`, () => {
      const index = createStatusIndex();
      follow(index, factsOf([policy('p', 2, 'a')], [node('h', zone)], reported === undefined ? [] : [reported]));
      const { nodes } = index.tallyOf(p) ?? {};
      assert.deepEqual(
        Object.entries(nodes ?? {}).filter(([, count]) => count > 0),
        [[standing, 1]],
      );
    });
  }

  it('counts nodes for each entry and for the winner of each conflict, most nodes first', () => {
    const index = createStatusIndex();
    const lost = (by: string) => ({ policy: p, code: 'ResourceNameTaken', by });
    const states = [
      state('a', { [p]: 2 }, [resource(p, 0), resource(p, 1), resource(p, 1)], [lost('x')]),
      state('b', { [p]: 2 }, [resource(p, 1), resource(p, 0, 'Unhealthy')], [lost(q), lost(q)]),
      state('c', { [p]: 2 }, [], [lost(q)]),
    ];
    follow(index, factsOf([policy('p', 2)], [node('a', ''), node('b', ''), node('c', '')], states));
    const tally = index.tallyOf(p);
    assert.deepEqual(
      [...(tally?.entries ?? [])],
      [
        [0, 1],
        [1, 2],
      ],
    );
    assert.deepEqual(tally?.conflicts, [
      { code: 'ResourceNameTaken', by: q, nodes: 2 },
      { code: 'ResourceNameTaken', by: 'x', nodes: 1 },
    ]);
  });

  it('is reported as changed only if something in it changed', () => {
    const index = createStatusIndex();
    const [first, second] = [policy('p', 1), policy('q', 1)];
    const [one, other] = [node('a', ''), node('b', '')];
    const before = state('a', { [p]: 1 }, [resource(p, 0)]);
    assert.deepEqual(follow(index, factsOf([first, second], [one, other], [before])).touched, [p, q]);
    assert.deepEqual(follow(index, factsOf([first, second], [one, other], [before])).touched, []);
    // Only the number of held devices changes.
    const held = state('a', { [p]: 1 }, [{ ...resource(p, 0), held: 1 }]);
    assert.deepEqual(follow(index, factsOf([first, second], [one, other], [held])).touched, []);
    const after = state('a', { [p]: 1 }, [resource(p, 0, 'Unhealthy')]);
    assert.deepEqual(follow(index, factsOf([first, second], [one, other], [after])).touched, [p]);
    assert.deepEqual(follow(index, factsOf([first, policy('q', 2)], [one, other], [after])).touched, [q]);
    assert.equal(follow(index, factsOf([first], [one, other], [after])).touched.length, 0);
    assert.equal(index.tallyOf(q), undefined);
  });

  it('is computed in slices if there are many nodes', () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) => node(`n${index}`, ''));
    const index = createStatusIndex();
    const policies = Array.from({ length: 10 }, (_, place) => policy(`p${place}`, 1));
    assert.ok(follow(index, factsOf(policies, nodes, [])).slices > 20);
    assert.equal(follow(index, factsOf(policies, nodes, [])).slices, 1);
    assert.equal(index.tallyOf('macvtap-cni/p9')?.nodes.pending, 5_000);
  });

  it('is the same after incremental updates as after a single one', () => {
    const names = ['a', 'b', 'c'];
    const zones = fc.constantFrom('x', 'y');
    const anyState = (name: string) =>
      fc
        .tuple(
          fc.dictionary(fc.constantFrom(p, q), fc.constantFrom(1, 2)),
          fc.array(
            fc
              .tuple(
                fc.constantFrom(p, q),
                fc.constantFrom(0, 1),
                fc.constantFrom('Healthy' as const, 'Unhealthy' as const),
              )
              .map(([id, entry, health]) => resource(id, entry, health)),
            { maxLength: 3 },
          ),
          fc.array(
            fc.record({ policy: fc.constantFrom(p, q), code: fc.constant('PassthruExclusive'), by: fc.constant('z') }),
            { maxLength: 2 },
          ),
        )
        .map(([observed, resources, conflicts]) => state(name, observed, resources, conflicts));
    const anyFacts = fc
      .record({
        policies: fc.subarray([policy('p', 1, 'x'), policy('p', 2, 'y'), policy('q', 1), policy('q', 2, 'x')]),
        nodes: fc
          .subarray(names)
          .chain((some) => fc.tuple(...some.map((name) => zones.map((zone) => node(name, zone))))),
        states: fc.subarray(names).chain((some) => fc.tuple(...some.map(anyState))),
      })
      .map(({ policies, nodes, states }) => factsOf(policies, nodes, states));
    fc.assert(
      fc.property(fc.array(anyFacts, { minLength: 1, maxLength: 5 }), (moments) => {
        const index = createStatusIndex();
        for (const facts of moments) {
          follow(index, facts);
          const fresh = createStatusIndex();
          follow(fresh, facts);
          for (const id of [p, q]) {
            const [kept, anew] = [index.tallyOf(id), fresh.tallyOf(id)];
            assert.deepEqual(kept && comparable(kept), anew && comparable(anew));
          }
        }
      }),
    );
  });
});

function comparable({ nodes, entries, conflicts }: NonNullable<ReturnType<StatusIndex['tallyOf']>>) {
  return { nodes, conflicts, entries: [...entries].sort(([left], [right]) => left - right) };
}

describe('a node whose report cannot be read', () => {
  const hostile = {
    ...state('evil', {}),
    get status(): never {
      throw new RangeError('too deep');
    },
  };

  it('is counted as pending, and the other nodes are counted as before', () => {
    const p = policy('p', 1);
    const nodes = [node('evil', 'a'), node('h1', 'a')];
    const good = state('h1', { [p.id]: 1 }, [resource(p.id, 0)]);
    const index = createStatusIndex();
    follow(index, factsOf([p], nodes, [{ ...state('evil', { [p.id]: 1 }, [resource(p.id, 0)]) }, good]));
    follow(index, {
      ...factsOf([p], nodes, [good]),
      nodeStates: new Map([
        ['evil', hostile],
        ['h1', good],
      ]),
    });
    const { exposing, pending } = index.tallyOf(p.id)?.nodes ?? {};
    assert.deepEqual([exposing, pending], [1, 1]);
  });
});
