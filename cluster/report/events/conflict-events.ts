// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { compareNatural } from '../../../policy/plan/natural-order.ts';
import { type ReasonCode, reasons } from '../../../policy/reasons.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { StandingEvent } from './standing-events.ts';

/** What one policy lost to another, for one reason, on all nodes that say so. */
interface Loss {
  readonly loser: string;
  readonly winner: string;
  readonly code: ReasonCode;
  readonly nodes: string[];
}

/** As many as a person reads. */
const mostNames = 5;

/**
 * Conflicts between policies, as the nodes' own states tell them: each on the policy that lost, with who won, and on how
 * many nodes. What they lost node by node stands in the states.
 */
export function conflictEvents({
  policies,
  nodes,
  nodeStates,
}: Pick<Snapshot, 'policies' | 'nodes' | 'nodeStates'>): readonly StandingEvent[] {
  const losses = new Map<string, Loss>();
  for (const [node, state] of nodeStates) {
    if (!nodes.has(node)) continue;
    for (const loss of lossesOn(state)) {
      const known = losses.getOrInsertComputed(keyOf(loss), () => ({ ...loss, nodes: [] }));
      // One node after the other: only the last can be this one.
      if (known.nodes.at(-1) !== node) known.nodes.push(node);
    }
  }
  const uids = new Map(policies.map(({ id, uid }) => [id, uid]));
  return [...losses].flatMap(([key, loss]) => {
    // One that is gone has nobody to tell it.
    if (!uids.has(loss.loser)) return [];
    const [namespace = '', name = ''] = loss.loser.split('/');
    const uid = uids.get(loss.loser);
    const kind = 'MacvtapNetworkNodePolicy';
    const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
    const regarding = { apiVersion, kind, namespace, name, ...(uid !== undefined && { uid }) };
    return [
      { key, event: { type: 'Warning', reason: 'PolicyConflict', action: 'Plan', regarding, note: toNote(loss) } },
    ];
  });
}

function lossesOn({ status }: MacvtapNetworkNodeState): readonly Omit<Loss, 'nodes'>[] {
  const { conflicts = [], resources = [] } = status ?? {};
  return conflicts.flatMap(({ policy: loser, by, code }) => {
    if (loser === undefined || by === undefined || !isReason(code)) return [];
    // Of an interface only the resource is named that has it.
    const winner = code === 'PassthruExclusive' ? resources.find(({ name }) => name === by)?.policy : by;
    // What the entries of one policy take from each other is its author's to read, in the state.
    return winner === undefined || winner === loser ? [] : [{ loser, winner, code }];
  });
}

/** A node plugin of another version may know other reasons. */
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
  return `policy ${winner} comes first ${where}: ${reasons[code]} (${code}); change the priority, the names or the nodes of one of them`;
}
