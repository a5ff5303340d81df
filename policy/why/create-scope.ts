// SPDX-License-Identifier: Apache-2.0
import { readNad, resourceOfNad } from '../nad/read-nad.ts';
import { compareNatural } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { collectOffers } from '../offers/offers-index.ts';
import { namesIn } from '../offers/policies-governing.ts';
import { comparePolicies } from '../plan/from-policies.ts';
import { matchNode } from '../plan/match-labels.ts';
import type { NodePlan } from '../plan/node-plan.ts';
import { isOutsideNamespace, tryPlan } from '../plan/plan-node.ts';
import { countDemand, type Devices, networkKey, resourcesOfPod } from '../pod/count-demand.ts';
import { type NetworkScope, networksOf } from '../pod/parse-networks.ts';
import { devicesClaimedBy } from '../pod/read-claims.ts';
import type { PodObject } from '../pod/read-pod.ts';
import { namesOf } from '../pod/rule.ts';
import { drainingOn, isOffered, resourcesOn } from './node-inventory.ts';
import { isCordoned, untolerated } from './node-scheduling.ts';
import { type Demand, type Scope, type ScopedNetwork, type Shortage, shortagesOf } from './scope.ts';
import { type NodeSummary, nameOf, type PodSummary, type Subject, type WhyFacts } from './why-facts.ts';

/** Collects the objects that concern a subject. Returns undefined if the subject does not exist. */
export function createScope(subject: Subject, facts: WhyFacts): Scope | undefined {
  const lookups = createLookups(facts);
  switch (subject.kind) {
    case 'pod':
      return scopeOfPod(subject, facts, lookups);
    case 'nad':
      return scopeOfNetwork(subject, facts, lookups);
    case 'node':
      return scopeOfNode(subject, facts, lookups);
    case 'policy':
      return scopeOfPolicy(subject, facts, lookups);
  }
}

/**
 * Returns the nodes whose pods must be read to explain a subject. For a pod that is not scheduled, these are the nodes
 * that offer its resources. For any subject, they include nodes where a resource waits to move to another parent. If
 * the subject is a node with draining resources, its pods must also be read. Does not need `facts.holders`.
 */
export function nodesToAsk(subject: Subject, facts: WhyFacts): readonly string[] {
  const scope = createScope(subject, facts);
  if (scope === undefined) return [];
  const { pod, demands, nodes } = scope;
  const isWaiting = pod !== undefined && pod.node === undefined;
  return nodes
    .filter(
      (node) =>
        (isWaiting && demands.some(({ resource }) => isOffered(facts, node, resource))) ||
        resourcesOn(facts, node.name).some(({ code }) => code === 'ParentChanged') ||
        (subject.kind === 'node' && drainingOn(facts, node.name).length > 0),
    )
    .map(({ name }) => name);
}

/**
 * Collects the networks of a pod, the devices that they and the containers need, and its node or possible nodes. A
 * Ready pod has no shortage, even if policies have changed since it started.
 */
function scopeOfPod(subject: Subject, facts: WhyFacts, lookups: Lookups): Scope | undefined {
  const { pod, networks: known } = facts;
  if (pod === undefined) return undefined;
  const { namespace } = pod;
  const space = { namespace, multusNamespace: facts.multusNamespace };
  const keys = [...new Set(networksOf(pod.object, space).map(networkKey))];
  const networks = keys.map((key) => scopeNetwork(key, facts));
  const naming = Map.groupBy(keys, (key) => resourceIn(known.get(key)));
  const demands = [...demandsOfPod(pod.object, facts, space, lookups)].map(([resource, count]): Demand => {
    const network = naming.get(resource)?.[0];
    return { resource, count, ...(network !== undefined && { network }) };
  });
  const nodes = nodesFor(pod, facts);
  // A draining resource remains for the pods on its node, so it is not missing for this pod.
  const stays = new Set(pod.node === undefined ? [] : drainingOn(facts, pod.node).map(({ name }) => name));
  const isUnmet = ({ resource }: Demand) => !stays.has(resource);
  return {
    ...lookups,
    subject,
    pod,
    networks,
    demands,
    policies: policiesFor(demands, facts, lookups),
    nodes,
    shortages: pod.isReady || isOver(pod) ? [] : shortagesOf(demands.filter(isUnmet), nodes, facts),
  };
}

/**
 * Returns how many devices of each resource the pod needs. Its containers and claims get devices independently of each
 * other, and its networks use the devices of both.
 */
function demandsOfPod(object: PodObject, facts: WhyFacts, scope: NetworkScope, { offers }: Lookups): Devices {
  const devices = new Map(resourcesOfPod(object, new Map(), scope));
  for (const { resource, count = 1 } of devicesClaimedBy(object, facts.claims ?? new Map(), () => namesOf(offers))) {
    if (resource !== undefined) devices.set(resource, (devices.get(resource) ?? 0) + count);
  }
  for (const [resource, count] of countDemand(networksOf(object, scope), facts.networks)) {
    devices.set(resource, Math.max(devices.get(resource) ?? 0, count));
  }
  return devices;
}

/** Returns whether the pod has finished. */
function isOver({ phase }: PodSummary): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function resourceIn(nad: Parameters<typeof resourceOfNad>[0] | undefined): string | undefined {
  return nad === undefined ? undefined : resourceOfNad(nad);
}

/**
 * Returns the pod's node, or the nodes that its selectors and tolerations allow. Cordoned nodes are included. If only a
 * cordoned node offers the resource, the cause is the cordon, and not the NIC that all other nodes lack.
 */
function nodesFor({ node, selection, tolerations }: PodSummary, { nodes }: WhyFacts): readonly NodeSummary[] {
  const all = [...nodes.values()];
  const possible =
    node === undefined
      ? all.filter(
          (one) =>
            matchNode(one, selection) && untolerated(one.taints, tolerations).every((taint) => isCordoned([taint])),
        )
      : all.filter(({ name }) => name === node);
  return possible.sort((left, right) => compareNatural(left.name, right.name));
}

/** Collects the resource of a network, on all nodes of the cluster. */
function scopeOfNetwork(subject: Subject, facts: WhyFacts, lookups: Lookups): Scope | undefined {
  const network = scopeNetwork(nameOf(subject), facts);
  if (!network.exists) return undefined;
  const { key, resource } = network;
  const demands: readonly Demand[] = resource === undefined ? [] : [{ resource, count: 1, network: key }];
  const nodes = [...facts.nodes.values()].sort((left, right) => compareNatural(left.name, right.name));
  return {
    ...lookups,
    subject,
    networks: [network],
    demands,
    policies: policiesFor(demands, facts, lookups),
    nodes,
    shortages: shortagesOf(demands, nodes, facts),
  };
}

/**
 * Collects all policies for a node. There is a shortage for each planned resource that the node does not offer, or one
 * shortage if the node offers nothing.
 */
function scopeOfNode(subject: Subject, facts: WhyFacts, lookups: Lookups): Scope | undefined {
  const node = facts.nodes.get(subject.name);
  if (node === undefined) return undefined;
  const planned = lookups.planOf(node.name)?.resources ?? [];
  const missing = planned.filter(({ name }) => !isOffered(facts, node, name));
  const shortages: readonly Shortage[] =
    node.allocatable.size === 0 ? [{ nodes: [node] }] : missing.map(({ name }) => ({ resource: name, nodes: [node] }));
  return { ...lookups, subject, networks: [], demands: [], policies: facts.policies, nodes: [node], shortages };
}

/** Collects all nodes for a policy. There is a shortage if no node offers a resource of the policy. */
function scopeOfPolicy(subject: Subject, facts: WhyFacts, lookups: Lookups): Scope | undefined {
  const id = nameOf(subject);
  const policy = facts.policies.find((one) => one.id === id);
  if (policy === undefined) return undefined;
  const nodes = [...facts.nodes.values()].sort((left, right) => compareNatural(left.name, right.name));
  const isExposed = nodes.some(({ name, allocatable }) =>
    resourcesOn(facts, name).some(
      (resource) => resource.policy === id && resource.health !== 'Unhealthy' && allocatable.has(resource.name),
    ),
  );
  return {
    ...lookups,
    subject,
    networks: [],
    demands: [],
    policies: [policy],
    nodes,
    shortages: isExposed ? [] : [{ nodes }],
  };
}

/** Reads a network by its `namespace/name`, whether or not it exists. */
function scopeNetwork(key: string, { networks }: WhyFacts): ScopedNetwork {
  const object = networks.get(key);
  const facts = object === undefined ? undefined : readNad(object);
  return { key, facts, exists: object !== undefined, resource: facts?.resource };
}

/** Returns the policies that name or offer one of the resources, valid or not, in order of precedence. */
function policiesFor(demands: readonly Demand[], { policies }: WhyFacts, { offers }: Lookups): readonly Policy[] {
  const wanted = new Set(demands.map(({ resource }) => resource));
  const offering = new Set([...wanted].flatMap((name) => offers.ofResource(name).map(({ policy }) => policy)));
  return policies
    .filter((policy) => offering.has(policy.id) || !namesIn(policy).isDisjointFrom(wanted))
    .sort(comparePolicies);
}

/** The functions and offers that are the same in every scope. */
type Lookups = Pick<Scope, 'offers' | 'planOf'>;

/** The facts from which lookups are created, and the lookups. */
interface KnownLookups extends Pick<WhyFacts, 'policies' | 'nodes' | 'explicit'> {
  readonly lookups: Lookups;
}

/** The last lookups for the states of a cluster. Offers of thousands of nodes take long to collect. */
const known = new WeakMap<WhyFacts['nodeStates'], KnownLookups>();

/** Creates the lookups, or returns those of an earlier scope that was created from the same facts. */
function createLookups(facts: WhyFacts): Lookups {
  const { nodeStates, policies, nodes, explicit } = facts;
  const last = known.get(nodeStates);
  if (last?.policies === policies && last.nodes === nodes && last.explicit === explicit) return last.lookups;
  const effective = policies.filter((policy) => !isOutsideNamespace(policy));
  const lookups = { offers: collectOffers({ ...facts, policies: effective }), planOf: plansOf(facts) };
  known.set(nodeStates, { policies, nodes, explicit, lookups });
  return lookups;
}

/** Returns a function that plans nodes. Each node is planned once, on first use. */
function plansOf(facts: WhyFacts): Scope['planOf'] {
  const plans = new Map<string, NodePlan | undefined>();
  return (name) =>
    plans.getOrInsertComputed(name, () => {
      const node = facts.nodes.get(name);
      const interfaces = facts.nodeStates.get(name)?.status?.interfaces;
      if (node === undefined || interfaces === undefined) return undefined;
      const wanted = { policies: facts.policies, explicit: facts.explicit, implicit: undefined };
      const plan = tryPlan(node, interfaces, wanted);
      return 'failure' in plan ? undefined : plan;
    });
}
