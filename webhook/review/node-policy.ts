// SPDX-License-Identifier: Apache-2.0

import { wantedFrom } from '../../cluster/cluster-flags.ts';
import type { Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { blastRadius, type PolicyChange } from '../../policy/blast/blast-radius.ts';
import { defaultPolicy, isBeingDeleted } from '../../policy/nodepolicy/default-policy.ts';
import { readAnyPolicy } from '../../policy/nodepolicy/read-policy.ts';
import {
  faultsOf,
  isSameSpec,
  type PolicyAdmissionContext,
  reviewPolicyAdmission,
} from '../../policy/nodepolicy/review-admission.ts';
import type { ReportedInterface } from '../../policy/plan/interfaces.ts';
import type { NodeFacts } from '../../policy/plan/match-labels.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { runInSlices } from '../../runtime/pause.ts';
import type { AdmissionRequest } from '../admission/admission-review.ts';
import { type Endpoint, type ReviewResult, tryMutation } from '../admission/endpoint.ts';
import type { ReviewDeps } from './review-facts.ts';

const kind = 'MacvtapNetworkNodePolicy';

/** Fills in the defaults of a policy. */
export function mutateNodePolicy(deps: ReviewDeps): Endpoint {
  return {
    path: '/mutate/macvtapnetworknodepolicies',
    kind,
    verb: 'mutate',
    onFailure: 'refuse',
    handle(request) {
      const { object } = request;
      if (object === undefined) return { verdicts: [] };
      const context = contextOf(request, deps);
      return tryMutation(object, defaultPolicy(object), (made) =>
        isBeingDeleted(made) ? [] : faultsOf(made, context),
      );
    },
  };
}

/** Validates a policy, and warns about the effects of its change on nodes. */
export function validateNodePolicy(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/macvtapnetworknodepolicies',
    kind,
    verb: 'validate',
    onFailure: 'refuse',
    handle(request, { isDue }) {
      const { object } = request;
      const verdicts = object === undefined ? [] : reviewPolicyAdmission(object, contextOf(request, deps));
      const isRefused = verdicts.some(({ severity }) => severity === 'deny');
      return isRefused || !isChange(request, deps) ? { verdicts } : withBlast(request, verdicts, deps, isDue);
    },
  };
}

/**
 * Returns whether the change may affect nodes. A change of only metadata does not affect nodes, and neither does a
 * policy outside the installation's namespace.
 */
function isChange({ namespace, object, oldObject }: AdmissionRequest, { policyNamespace }: ReviewDeps): boolean {
  return namespace === policyNamespace && !(object && oldObject && isSameSpec(object, oldObject));
}

async function withBlast(
  { object, oldObject }: AdmissionRequest,
  verdicts: ReviewResult['verdicts'],
  deps: ReviewDeps,
  isDue: () => boolean,
): Promise<ReviewResult> {
  const read = (policy: unknown) => readAnyPolicy(policy, deps);
  const change = { ...(oldObject && { before: read(oldObject) }), ...(object && { after: read(object) }) };
  const { verdicts: consequences, notice } = await measureBlast(change, deps, isDue);
  return { verdicts: [...verdicts, ...consequences], warnings: notice === undefined ? [] : [notice] };
}

function contextOf({ oldObject }: AdmissionRequest, { source, policyNamespace }: ReviewDeps): PolicyAdmissionContext {
  const { policies: others, nodes, nodeStates, namespaces } = source.snapshot;
  const interfacesOf = (node: string) => interfaceNames(nodeStates.get(node));
  return {
    policyNamespace,
    others,
    nodes,
    interfacesOf,
    findInterface: (node, name) => findReported(nodeStates.get(node), name),
    namespaces,
    ...(oldObject !== undefined && { before: oldObject }),
  };
}

/** The effects of a policy's change on nodes, with a notice if not all nodes are covered. */
export interface Blast {
  readonly verdicts: readonly Verdict[];
  readonly notice?: string;
}

/**
 * Plans every node that the change can affect, once before and once after the change. Works in slices, and other
 * requests are answered between slices. The result is only informational. If it is incomplete when the answer is due,
 * it covers the nodes planned so far, and the notice gives their number.
 */
export async function measureBlast(
  change: PolicyChange,
  { source, exposure }: Pick<ReviewDeps, 'source' | 'exposure'>,
  isDue: () => boolean,
): Promise<Blast> {
  if (!source.synced)
    return {
      verdicts: [],
      notice: 'the effects on nodes are not known yet: this webhook just started and has not read the nodes',
    };
  const { snapshot } = source;
  const { nodes, count } = nodesUntil(snapshot.nodes, isDue);
  const verdicts = await runInSlices(
    blastRadius(change, { ...snapshot, nodes, wanted: wantedFrom(snapshot, exposure) }),
  );
  const [counted, all] = [count(), snapshot.nodes.size];
  if (counted === all) return { verdicts };
  return { verdicts, notice: `the effects on nodes cover only ${counted} of ${all} nodes: time was up` };
}

/**
 * Returns an iterable of the nodes that ends when the answer is due, and a counter of the nodes taken from the
 * iterable.
 */
function nodesUntil(all: Snapshot['nodes'], isDue: () => boolean) {
  let counted = 0;
  const nodes = new Map(all);
  nodes.values = function* values(): MapIterator<NodeFacts> {
    for (const node of all.values()) {
      if (isDue()) return undefined;
      counted += 1;
      yield node;
    }
  };
  return { nodes, count: () => counted };
}

/** Returns the names and altnames in a node's report, or undefined if the report has none or cannot be read. */
function interfaceNames(state: MacvtapNetworkNodeState | undefined): ReadonlySet<string> | undefined {
  try {
    return (
      state?.status?.interfaces &&
      new Set(state.status.interfaces.flatMap(({ name, altNames = [] }) => [name, ...altNames]))
    );
  } catch {
    return undefined;
  }
}

/** Returns the interface with a name or altname in a node's report, or undefined if the report cannot be read. */
function findReported(state: MacvtapNetworkNodeState | undefined, name: string): ReportedInterface | undefined {
  try {
    const reported = state?.status?.interfaces ?? [];
    return (
      reported.find((nic) => nic.name === name) ?? reported.find(({ altNames }) => altNames?.includes(name) ?? false)
    );
  } catch {
    return undefined;
  }
}
