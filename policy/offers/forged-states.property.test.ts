// SPDX-License-Identifier: Apache-2.0
// By writing to its own state, a compromised node cannot change who may use a resource.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { reviewNad } from '../nad/review-nad.ts';
import { reviewPod } from '../pod/rules.ts';
import type { Verdict } from '../reasons.ts';
import type { Offers } from './offers.ts';

const names = ['data', 'eth0', 'eth1', 'lan'] as const;
const red = { matchLabels: { team: 'red' } };
const policies = [
  policy('named', { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }], namespaceSelector: red }),
  policy('unnamed', { parentSelector: [{ parentIface: 'lan' }], namespaceSelector: red }),
  policy('globs', { parentSelector: [{ nicSelector: { names: ['eth*'] } }], namespaceSelector: red }),
  policy('drivers', { parentSelector: [{ nicSelector: { drivers: ['ixgbe'] } }], namespaceSelector: red }),
  policy('open', { parentSelector: [{ parentIface: 'eth1', resourceName: 'data' }] }),
];

/** Any content that a report can have, including content that no node plugin would write. */
const forged = fc
  .record({
    links: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...names),
        altNames: fc.subarray([...names]),
        driver: fc.constantFrom('ixgbe', 'veth'),
        ifindex: fc.integer({ min: 1, max: 3 }),
        lowerIfindex: fc.integer({ min: 1, max: 3 }),
      }),
      { selector: ({ name }) => name, maxLength: 4 },
    ),
    resources: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...names),
        parent: fc.constantFrom(...names),
        source: fc.constantFrom('policy', 'explicit', 'tag', 'implicit', 'none'),
        policy: fc.constantFrom(...policies.map(({ id }) => id), 'macvtap-cni/none'),
        entry: fc.integer({ min: 0, max: 2 }),
      }),
      { selector: ({ name }) => name, maxLength: 4 },
    ),
  })
  .map(({ links, resources }) =>
    nodeState(
      resources.map(({ name, parent, ...more }) => reported(name, parent, more)),
      links,
    ),
  );

const honest = nodeState(
  [reported('data', 'eth0', { policy: 'macvtap-cni/named' })],
  [{ name: 'eth0', driver: 'ixgbe' }, { name: 'eth1' }],
);

const namespaceCodes = ['NamespaceNotAdmitted', 'NamespaceUnknown'];
const aboutNamespaces = (verdicts: readonly Verdict[]) => verdicts.filter(({ code }) => namespaceCodes.includes(code));

/** Returns the denials for pods that request each name, and the warnings for their networks. */
function judge(offers: Offers, namespaceLabels: Readonly<Record<string, string>> | undefined) {
  return names.map((name) => {
    const limits = { [`macvtap.network.kubevirt.io/${name}`]: '1' };
    const pod = { metadata: {}, spec: { containers: [{ name: 'c', resources: { limits } }] } };
    const annotations = { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${name}` };
    const nad = { metadata: { name, namespace: 'vms', annotations }, spec: { config: '{"type":"macvtap"}' } };
    const ofPod = reviewPod(pod, { namespace: 'vms', namespaceLabels, networks: new Map(), offers });
    const ofNad = reviewNad(nad, { namespaceLabels, unknownResource: 'Deny', offers });
    return {
      name,
      pod: aboutNamespaces(ofPod).filter(({ severity }) => severity === 'deny'),
      nad: aboutNamespaces(ofNad),
    };
  });
}

describe('who may use a resource', () => {
  it('is the same with and without a forged state', () => {
    const before = offersOf({ policies, states: { h1: honest } });
    fc.assert(
      fc.property(forged, fc.constantFrom(undefined, {}, { team: 'red' }), (state, labels) => {
        const after = offersOf({ policies, states: { h1: honest, evil: state } });
        assert.deepEqual(judge(after, labels), judge(before, labels));
      }),
      { numRuns: 500 },
    );
  });

  it('is denied to other namespaces for every name that a policy can produce, whatever nodes report', () => {
    const denied = judge(offersOf({ policies }), {}).map(({ name, pod }) => `${name} ${pod.length}`);
    assert.deepEqual(denied, ['data 1', 'eth0 1', 'eth1 1', 'lan 1']);
  });

  it('is a warning if only node reports show that a policy offers the name', () => {
    const selecting = policy('drivers', {
      parentSelector: [{ nicSelector: { drivers: ['ixgbe'] } }],
      namespaceSelector: red,
    });
    const offers = offersOf({
      policies: [selecting],
      states: { h1: nodeState([], [{ name: 'eth0', driver: 'ixgbe' }]) },
    });
    const limits = { 'macvtap.network.kubevirt.io/eth0': '1' };
    const pod = { metadata: {}, spec: { containers: [{ name: 'c', resources: { limits } }] } };
    const review = (namespaceLabels: Readonly<Record<string, string>>) =>
      aboutNamespaces(reviewPod(pod, { namespace: 'vms', namespaceLabels, networks: new Map(), offers }));
    const [warning, ...more] = review({});
    assert.deepEqual([warning?.severity, more, review({ team: 'red' })], ['warn', [], []]);
    assert.match(
      warning?.detail ?? '',
      /according to node reports, policy macvtap-cni\/drivers admits .* team=red; on these nodes,/,
    );
  });

  it('is denied to a pod that names too many resources to compare', () => {
    const globs = Array.from({ length: 64 }, (_, index) => ({ nicSelector: { names: [`x${index}*`] } }));
    const offers = offersOf({ policies: [policy('globs', { parentSelector: globs, namespaceSelector: red })] });
    const count = Math.floor(20_000 / globs.length) + 2;
    const limits = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`macvtap.network.kubevirt.io/r${index}`, '1']),
    );
    const pod = { metadata: {}, spec: { containers: [{ name: 'c', resources: { limits } }] } };
    const denials = (namespaceLabels: Readonly<Record<string, string>>) =>
      aboutNamespaces(reviewPod(pod, { namespace: 'vms', namespaceLabels, networks: new Map(), offers }));
    assert.deepEqual([denials({}).length, denials({ team: 'red' }).length], [2, 0]);
  });
});
