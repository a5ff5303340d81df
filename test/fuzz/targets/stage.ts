// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../../../policy/nodepolicy/read-policy.ts';
import { collectOffers } from '../../../policy/offers/offers-index.ts';
import type { NodeFacts } from '../../../policy/plan/match-labels.ts';
import { policy, policyNamespace } from '../../fixtures/plan/build-example.ts';

export { policyNamespace };

/**
 * Policies that select parents by name, by glob, and by NUMA node. `closed` admits only one team's namespaces. `whole`
 * is passthru, for which the rules look up lower links.
 */
export const policies: readonly Policy[] = [
  policy('bond', { parentSelector: [{ parentIface: 'bond1', mode: 'private', resourceName: 'dataplane' }] }),
  policy('closed', {
    namespaceSelector: { matchLabels: { team: 'a' } },
    parentSelector: [{ parentIface: 'eth2', resourceName: 'other' }],
  }),
  policy('globs', { parentSelector: [{ nicSelector: { names: ['eth*', 'en[op]*'] }, mode: 'bridge' }] }),
  policy('whole', { parentSelector: [{ nicSelector: { names: ['*'], numaNodes: [0] }, mode: 'passthru' }] }),
];

export const nodes: ReadonlyMap<string, NodeFacts> = new Map([['h1', { name: 'h1', labels: { zone: 'a' } }]]);

export const offers = collectOffers({ policies, nodes, nodeStates: new Map(), explicit: undefined });

export const resourcePrefix = 'macvtap.network.kubevirt.io/';
export const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';

/**
 * Networks in the namespace `tenant`. Each has the name of the resource that it requests. No policy offers `absent`.
 */
export const networks: ReadonlyMap<
  string,
  { metadata: { name: string; namespace: string; annotations: Readonly<Record<string, string>> } }
> = new Map(
  ['dataplane', 'other', 'absent'].map((name) => [
    `tenant/${name}`,
    { metadata: { name, namespace: 'tenant', annotations: { [resourceAnnotation]: `${resourcePrefix}${name}` } } },
  ]),
);
