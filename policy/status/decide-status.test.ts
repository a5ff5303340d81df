// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPolicy } from '../nodepolicy/read-policy.ts';
import { decideStatus, type PolicyStatus } from './decide-status.ts';
import type { ConflictCount, PolicyTally } from './node-report.ts';

const context = { policyNamespace: 'macvtap-cni' };
const metadata = { name: 'p', namespace: 'macvtap-cni', generation: 3 };
const spec = { parentSelector: [{ parentIface: 'eth0' }, { parentIface: 'eth1' }] };
const policy = readPolicy({ metadata, spec }, context);
const tally = (
  nodes: Partial<PolicyTally['nodes']>,
  conflicts: readonly ConflictCount[] = [],
  entries: readonly (readonly [number, number])[] = [],
): PolicyTally => ({
  nodes: { none: 0, leaving: 0, pending: 0, exposing: 0, unhealthy: 0, losing: 0, 'finding-nothing': 0, ...nodes },
  conflicts,
  entries: new Map(entries),
});
const first = '2026-01-01T00:00:00Z';
const later = '2026-01-01T00:01:00Z';
const decide = (counted: PolicyTally, previous?: PolicyStatus, now = first, of = policy) =>
  decideStatus({ policy: of, tally: counted, previous, now });
const brief = (status: PolicyStatus | undefined) =>
  status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`);

describe('the status of a policy', () => {
  it('counts the nodes that expose an accepted policy, by entry', () => {
    assert.deepEqual(decide(tally({ exposing: 2, none: 7 }, [], [[1, 2]])), {
      observedGeneration: 3,
      matchedNodes: 2,
      exposingNodes: 2,
      conditions: [
        ['Accepted', 'True', 'Valid', 'the policy is in force'],
        [
          'Exposed',
          'True',
          'Exposing',
          'at least one node exposes a resource of the policy: nodes: 2 of 2 expose a resource of the policy',
        ],
        ['Conflicted', 'False', 'NoConflict', 'the policy loses no conflict on any node that has reported'],
      ].map(([type, status, reason, message]) => ({
        type,
        status,
        observedGeneration: 3,
        lastTransitionTime: first,
        reason,
        message,
      })),
      entries: [
        { index: 0, nodes: 0 },
        { index: 1, nodes: 2 },
      ],
    });
  });

  for (const [what, nodes, exposed, conflicted] of [
    ['no node', {}, 'False NoNodes', 'False NoConflict'],
    ['nodes of which none has reported', { pending: 5 }, 'Unknown Pending', 'Unknown Pending'],
    [
      'nodes of which some have reported nothing',
      { pending: 1, 'finding-nothing': 4 },
      'Unknown Pending',
      'False NoConflict',
    ],
    ['nodes of which one exposes something', { pending: 4, exposing: 1 }, 'True Exposing', 'False NoConflict'],
    ['nodes of which none finds anything', { 'finding-nothing': 5 }, 'False NothingFound', 'False NoConflict'],
    ['nodes that give out nothing', { unhealthy: 1, 'finding-nothing': 4 }, 'False Unhealthy', 'False NoConflict'],
  ] as const) {
    it(`of ${what} is Exposed ${exposed}`, () => {
      assert.deepEqual(brief(decide(tally(nodes))), [
        'Accepted True Valid',
        `Exposed ${exposed}`,
        `Conflicted ${conflicted}`,
      ]);
    });
  }

  it('names the winners of conflicts, most nodes first, and limits the message', () => {
    const lost = Array.from({ length: 7 }, (_, index) => ({
      code: index === 0 ? 'PassthruExclusive' : 'ResourceNameTaken',
      by: `macvtap-cni/q${index}`,
      nodes: 9 - index,
    }));
    const status = decide(tally({ losing: 9 }, lost));
    assert.deepEqual(brief(status)?.slice(1), ['Exposed False LostToOthers', 'Conflicted True PassthruExclusive']);
    const message = status?.conditions?.[2]?.message ?? '';
    assert.match(
      message,
      /macvtap-cni\/q0 on 9 nodes \(PassthruExclusive\); macvtap-cni\/q1 on 8 nodes .*; and 2 more$/,
    );
  });

  it('names what is wrong with a policy that is not accepted, and judges nothing else of it', () => {
    const broken = readPolicy({ metadata, spec: { parentSelector: [{}] } }, context);
    const status = decide(tally({ pending: 3 }), undefined, first, broken);
    assert.deepEqual(brief(status), [
      'Accepted False PolicyInvalid',
      'Exposed False NotAccepted',
      'Conflicted False NotAccepted',
    ]);
    assert.equal(status?.matchedNodes, 3);
    assert.match(status?.conditions?.[0]?.message ?? '', /: spec\.parentSelector\[0\]: ParentAmbiguous: /);
  });

  it('reports a policy in another namespace', () => {
    const stray = readPolicy({ metadata: { ...metadata, namespace: 'tenant' }, spec }, context);
    const status = decide(tally({ none: 3 }), undefined, first, stray);
    assert.equal(brief(status)?.[0], 'Accepted False PolicyOutsideNamespace');
    assert.match(status?.conditions?.[0]?.message ?? '', /namespace tenant: create the policy in macvtap-cni/);
  });

  it('is not written if it is already stored, in any order of the API server', () => {
    const counted = tally({ exposing: 2 }, [], [[0, 2]]);
    const written = decide(counted);
    const { conditions = [], entries = [], ...rest } = written ?? {};
    const kept = { entries: entries.toReversed(), conditions: conditions.toReversed(), ...rest };
    assert.equal(decide(counted, written, later), undefined);
    assert.equal(decide(counted, kept, later), undefined);
    assert.notEqual(decide(tally({ exposing: 2 }, [], [[1, 2]]), written, later), undefined);
  });

  it('moves the time of a condition when that becomes true, false or unknown, and only then', () => {
    const pending = decide(tally({ pending: 2 }));
    const times = (status: PolicyStatus | undefined) => status?.conditions?.map((each) => each.lastTransitionTime);
    const exposed = decide(tally({ pending: 1, exposing: 1 }), pending, later);
    assert.deepEqual(times(exposed), [first, later, later]);
    const latest = '2026-01-01T00:02:00Z';
    assert.deepEqual(times(decide(tally({ exposing: 2 }), exposed, latest)), [first, later, later]);
    const edited = readPolicy({ metadata: { ...metadata, generation: 4 }, spec }, context);
    const again = decide(tally({ exposing: 2 }), exposed, latest, edited);
    assert.deepEqual(times(again), [first, later, later]);
    assert.deepEqual(
      again?.conditions?.map((each) => each.observedGeneration),
      [4, 4, 4],
    );
  });
});
