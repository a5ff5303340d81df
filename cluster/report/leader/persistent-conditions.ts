// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { resourceAnnotation } from '../../../policy/nad/read-nad.ts';
import { compareNatural, createSearchBudget, nearestNames, type SearchBudget } from '../../../policy/names.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import { namesToSuggest } from '../../../policy/offers/offers-view.ts';
import { isLegalResourceName, resourcePrefix } from '../../../policy/plan/resource.ts';
import { type ReasonCode, reasons } from '../../../policy/reasons.ts';
import type { Snapshot } from '../../source.ts';
import { aboutNode, aboutPolicy, type ClusterEvent } from '../events/cluster-event.ts';
import { type LeftOutResources, mostReported, type TakenClass } from './choose-classes.ts';

/** A condition of the cluster, and the event that reports it. */
export interface PersistentCondition {
  /**
   * Identifies the condition. The text of its event may change while the condition lasts: for example, the number of
   * nodes grows while they report.
   */
  readonly key: string;
  readonly event: ClusterEvent;
}

/** Remembers which conditions have been reported. */
export interface ConditionTracker {
  /** Takes all current conditions and returns the events to record. A condition gets only one event while it lasts. */
  update(current: readonly PersistentCondition[], nowMs: number): readonly ClusterEvent[];
  /** Returns the time until an event may be due, or undefined if none can be due. */
  waitMs(nowMs: number): number | undefined;
}

/**
 * Creates a tracker that reports a condition only after it has lasted for `settleMs`. Before that, it may be temporary:
 * the objects of one `kubectl apply` arrive one after another, and nodes need some time to react.
 */
export function createConditionTracker(settleMs: number): ConditionTracker {
  const sinceMs = new Map<string, number>();
  const reported = new Set<string>();
  return {
    update(current, nowMs) {
      const now = new Map(current.map(({ key, event }) => [key, event]));
      for (const key of sinceMs.keys()) {
        if (now.has(key)) continue;
        sinceMs.delete(key);
        reported.delete(key);
      }
      return [...now].flatMap(([key, event]) => {
        const since = sinceMs.getOrInsert(key, nowMs);
        if (reported.has(key) || nowMs - since < settleMs) return [];
        reported.add(key);
        return [event];
      });
    },
    waitMs(nowMs) {
      const waits = [...sinceMs].flatMap(([key, since]) => (reported.has(key) ? [] : [since + settleMs - nowMs]));
      return waits.length === 0
        ? undefined
        : Math.max(
            0,
            waits.reduce((least, wait) => Math.min(least, wait)),
          );
    },
  };
}

/** A conflict that one policy lost to another for one reason, with the nodes that report it. */
interface Loss {
  readonly loser: string;
  readonly winner: string;
  readonly code: ReasonCode;
  readonly nodes: string[];
}

/** The maximum number of nodes that a note names. */
const mostNames = 5;

/**
 * Finds the conflicts between policies that node states report. The event is about the policy that lost, and names the
 * winner and some of the nodes. The node states contain the details for each node.
 */
export function conflictEvents({
  policies,
  nodes,
  nodeStates,
}: Pick<Snapshot, 'policies' | 'nodes' | 'nodeStates'>): readonly PersistentCondition[] {
  const losses = new Map<string, Loss>();
  for (const [node, state] of nodeStates) {
    if (!nodes.has(node)) continue;
    for (const loss of lossesOn(state)) {
      const known = losses.getOrInsertComputed(keyOf(loss), () => ({ ...loss, nodes: [] }));
      // The loop handles all losses of one node before the next node, so this node can only be the last one in the
      // list.
      if (known.nodes.at(-1) !== node) known.nodes.push(node);
    }
  }
  const uids = new Map(policies.map(({ id, uid }) => [id, uid]));
  return [...losses].flatMap(([key, loss]) => {
    // A deleted policy gets no event.
    if (!uids.has(loss.loser)) return [];
    const regarding = aboutPolicy(loss.loser, uids.get(loss.loser));
    return [
      { key, event: { type: 'Warning', reason: 'PolicyConflict', action: 'Plan', regarding, note: toNote(loss) } },
    ];
  });
}

function lossesOn({ status }: MacvtapNetworkNodeState): readonly Omit<Loss, 'nodes'>[] {
  const { conflicts = [], resources = [] } = status ?? {};
  const policies = new Map(resources.map(({ name, policy }) => [name, policy]));
  return conflicts.flatMap(({ policy: loser, by, code }) => {
    if (loser === undefined || by === undefined || !isReason(code)) return [];
    // In a conflict about an interface, `by` is the resource that uses the interface.
    const winner = code === 'PassthruExclusive' ? policies.get(by) : by;
    // Conflicts within one policy cause no event and appear only in the node state.
    return winner === undefined || winner === loser ? [] : [{ loser, winner, code }];
  });
}

/**
 * Returns whether this version of the program defines a reason code. A node plugin of another version may report other
 * codes.
 */
function isReason(code: string): code is ReasonCode {
  return Object.hasOwn(reasons, code);
}

function keyOf({ loser, winner, code }: Omit<Loss, 'nodes'>): string {
  return `${code} ${loser} ${winner}`;
}

function toNote({ winner, code, nodes }: Loss): string {
  const names = nodes.toSorted(compareNatural);
  const shown = names.slice(0, mostNames).join(', ') + (names.length > mostNames ? ', …' : '');
  const where = `on ${names.length} ${names.length === 1 ? 'node' : 'nodes'} (${shown})`;
  const advice = 'change the priority, the names or the nodes of one of them';
  return `policy ${winner} comes first ${where}: ${reasons[code]} (${code}); ${advice}`;
}

/**
 * Finds networks whose resource no node exposes. Either no source requests the resource, or no node has a parent for
 * it. Pods that use such a network stay Pending.
 */
export function unofferedEvents(
  { networks }: Pick<Snapshot, 'networks'>,
  offers: Pick<Offers, 'ofResource' | 'resources' | 'governing'>,
): readonly PersistentCondition[] {
  // All networks share one search budget. Otherwise, tenants with many networks could make the search for similar names
  // very slow.
  const budget = createSearchBudget();
  return [...networks.values()].flatMap(({ metadata: { namespace, name, uid, annotations } }) => {
    const annotation = annotations?.[resourceAnnotation] ?? '';
    const resource = annotation.slice(resourcePrefix.length);
    if (!annotation.startsWith(resourcePrefix) || !isLegalResourceName(resource)) return [];
    const offered = offers.ofResource(resource);
    if (offered.some(({ nodes }) => nodes > 0)) return [];
    const kind = 'NetworkAttachmentDefinition';
    const regarding = { apiVersion: 'k8s.cni.cncf.io/v1', kind, namespace, name, ...(uid !== undefined && { uid }) };
    const requesters = [...new Set(offered.map(({ policy, source }) => (policy ? `policy ${policy}` : source)))];
    const cause = requesters.length === 0 ? notRequested(resource, offers, budget) : notExposed(resource, requesters);
    const note = `${cause}; pods with this network stay Pending`;
    const event = { type: 'Warning', reason: 'ResourceNotOffered', action: 'Offer', regarding, note } as const;
    return [{ key: `${namespace}/${name} ${resource}`, event }];
  });
}

function notRequested(resource: string, offers: Parameters<typeof namesToSuggest>[0], budget: SearchBudget): string {
  const near = nearestNames(resource, namesToSuggest(offers), budget);
  const advice = near.length === 0 ? 'write a MacvtapNetworkNodePolicy for it' : `did you mean ${near.join(' or ')}?`;
  return `no policy and no node offers ${resourcePrefix}${resource}: ${advice}`;
}

function notExposed(resource: string, requesters: readonly string[]): string {
  const names = requesters.slice(0, 3).join(' and ');
  return `no node exposes ${resourcePrefix}${resource}, which ${names} asks for: see the reasons in the states of the nodes`;
}

/** Finds nodes whose state is left out. A node gets one event, even if its state changes while it is left out. */
export function leftOutEvents(
  { nodes }: Pick<Snapshot, 'nodes'>,
  leftOut: ReadonlyMap<string, string>,
): readonly PersistentCondition[] {
  return [...leftOut]
    .filter(([node]) => nodes.has(node))
    .map(([node, reason]) => {
      const advice = 'check the node, and which clients have the token of its node plugin';
      const note = `MacvtapNetworkNodeState ${node} is left out: ${reason}; ${advice}`;
      const event = {
        type: 'Warning',
        reason: 'NodeStateLeftOut',
        action: 'Read',
        regarding: aboutNode(node),
        note,
      } as const;
      return { key: `left out ${node}`, event };
    });
}

/** Returns an event for each class of another owner that the project needs. */
export function takenEvents(taken: readonly TakenClass[]): readonly PersistentCondition[] {
  return taken.map(({ deviceClass, uid, resource, by }) => {
    const regarding = { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', name: deviceClass };
    const note =
      by === 'name'
        ? `resource ${resource} needs a DeviceClass of this name, but another owner created it; delete it or rename it`
        : `another owner maps the resource ${resource} to this class; remove its spec.extendedResourceName`;
    const about = { ...regarding, ...(uid !== undefined && { uid }) };
    const event = { type: 'Warning', reason: 'DeviceClassTaken', action: 'Publish', regarding: about, note } as const;
    return { key: `class ${by} ${deviceClass} ${resource}`, event };
  });
}

/** Returns an event for each policy whose globs match more interfaces than can get a DeviceClass. */
export function leftOutClassEvents(leftOut: readonly LeftOutResources[]): readonly PersistentCondition[] {
  return leftOut.map(({ policy, uid, count, examples }) => {
    const names = examples.join(', ') + (count > examples.length ? ', …' : '');
    const limit = `globs match more than ${mostReported} interfaces, so ${count} of them have no DeviceClass (${names})`;
    const note = `${limit}; pods cannot request them from nodes that use DRA: name them in parentSelector, or narrow the globs`;
    const regarding = aboutPolicy(policy, uid);
    const event = { type: 'Warning', reason: 'DeviceClassesLeftOut', action: 'Publish', regarding, note } as const;
    return { key: `without class ${policy}`, event };
  });
}
