// SPDX-License-Identifier: Apache-2.0

import { buildNodeState } from '../../../cluster/report/build-node-state.ts';
import packageFile from '../../../package.json' with { type: 'json' };
import { type Policy, readPolicy } from '../../../policy/nodepolicy/read-policy.ts';
import { readInterface } from '../../../policy/plan/interface-facts.ts';
import { planNode } from '../../../policy/plan/plan-node.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { exposeAll, policyNamespace } from '../../fixtures/plan/build-example.ts';
import { buildCluster, type ClusterObjects } from '../build-cluster.ts';

const ours = 'macvtap.network.kubevirt.io/v1alpha1';

/** Where tenants have their networks and pods. */
export const tenants: readonly string[] = Array.from({ length: 50 }, (_, index) => `tenant-${index}`);

/** What reviews are judged by, as an API server holds it. */
export interface ReviewCluster {
  readonly objects: readonly WrittenObject[];
  /** The same policies, read. */
  readonly policies: readonly Policy[];
}

/**
 * The cluster of `buildCluster` after its node plugins have reported what they expose and what not, by the functions by
 * which they do; with tenants' namespaces and, if pods are to be reviewed, networks.
 */
export function buildReviewCluster(
  { nodes, policies }: { readonly nodes: number; readonly policies: number },
  networks: readonly WrittenObject[] = [],
): ReviewCluster {
  const cluster = buildCluster(nodes, policies);
  const read = cluster.policies.map((policy) => readPolicy(policy, { policyNamespace }));
  return {
    policies: read,
    objects: [
      ...[policyNamespace, ...tenants].map(namespaceObject),
      ...cluster.policies.map((policy) => ({ apiVersion: ours, kind: 'MacvtapNetworkNodePolicy', ...policy })),
      ...cluster.nodes.map(({ name, labels }) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })),
      ...reportedStates(cluster, read),
      ...networks,
      // As the chart makes it, for the replica that writes what only one may.
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'kube-macvtap-webhook', namespace: policyNamespace },
      },
    ],
  };
}

function namespaceObject(name: string): WrittenObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name, team: name } },
  };
}

function reportedStates({ nodes, nodeStates }: ClusterObjects, policies: readonly Policy[]): readonly WrittenObject[] {
  const wanted = { policies, explicit: undefined, implicit: exposeAll };
  return nodes.map((node, index) => {
    const interfaces = (nodeStates[index]?.status?.interfaces ?? []).map(readInterface);
    const plan = planNode(node, interfaces, wanted);
    const served = plan.resources.map((resource) => ({ resource }));
    const pluginVersion = packageFile.version;
    return {
      apiVersion: ours,
      kind: 'MacvtapNetworkNodeState',
      metadata: { name: node.name },
      status: buildNodeState({ node, plan, served, interfaces, policies, pluginVersion }),
    };
  });
}
