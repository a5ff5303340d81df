// SPDX-License-Identifier: Apache-2.0

import { buildNodeState } from '../../../cluster/report/node-plugin/build-node-state.ts';
import packageFile from '../../../package.json' with { type: 'json' };
import { type Policy, readPolicy } from '../../../policy/nodepolicy/read-policy.ts';
import { readInterface } from '../../../policy/plan/interfaces.ts';
import { planNode } from '../../../policy/plan/plan-node.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { exposeAll, policyNamespace } from '../../fixtures/plan/build-example.ts';
import { buildCluster, type ClusterObjects } from '../build-cluster.ts';

const ours = 'macvtap.network.kubevirt.io/v1alpha1';

/** The namespaces of the tenants' networks and pods. */
export const tenants: readonly string[] = Array.from({ length: 50 }, (_, index) => `tenant-${index}`);

/** The objects on which reviews depend, as an API server stores them. */
export interface ReviewCluster {
  readonly objects: readonly WrittenObject[];
  /** The policies among `objects`, as `readPolicy` returns them. */
  readonly policies: readonly Policy[];
}

/**
 * Builds the cluster of `buildCluster`, and adds the reports of its node plugins, which are built with the plugins' own
 * functions. It also adds the tenants' namespaces and, for reviews of pods, networks.
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
      // The chart's Lease. Its holder does the work that only one replica may do.
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
