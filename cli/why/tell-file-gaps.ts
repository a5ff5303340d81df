// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/snapshot.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import { nameSome } from '../../policy/why/group-nodes.ts';
import type { Subject } from '../../policy/why/subject.ts';
import type { WhyFacts } from '../../policy/why/why-facts.ts';
import type { MissingPart } from '../view/view.ts';

/** What was, or was not, among the files. */
export interface FileFacts {
  /** As it was read, before anything was assumed. */
  readonly snapshot: Snapshot;
  readonly plugin: WhyFacts['plugin'];
  /** Nodes that do not say what they can give. */
  readonly silent: readonly string[];
  /** Of a pod that is asked about: whether it was ever made, and has events. */
  readonly isPodMade: boolean;
  readonly hasEvents: boolean;
}

/** What files leave open about a subject, so that silence about it is not taken for health. */
export function tellFileGaps(subject: Subject, facts: FileFacts): readonly MissingPart[] {
  const { snapshot, plugin, silent } = facts;
  const blind = [...snapshot.nodes.keys()]
    .filter((name) => snapshot.nodeStates.get(name)?.status?.interfaces === undefined)
    .sort(compareNatural);
  return [
    part('webhook', 'files do not tell whether it answers'),
    ...(plugin === undefined ? [part('node plugin', 'its DaemonSet and pods are not among the files')] : []),
    ...(silent.length === 0
      ? []
      : [
          part(
            'status.allocatable',
            `not in Node ${nameSome(silent)}: what the node's state says, or else its plan, is taken for what it offers`,
          ),
        ]),
    ...(blind.length === 0 ? [] : [part('interfaces', `no MacvtapNetworkNodeState tells those of ${nameSome(blind)}`)]),
    ...podGaps(subject, facts),
    ...namespaceGaps(subject, snapshot),
  ];
}

function podGaps({ kind }: Subject, { isPodMade, hasEvents }: FileFacts): readonly MissingPart[] {
  if (kind !== 'pod') return [];
  if (!isPodMade) return [part('status of the pod', 'it has none: it is looked at as the webhook would make it')];
  return hasEvents ? [] : [part('Events', 'none of the pod among the files')];
}

function namespaceGaps(subject: Subject, { namespaces, policies }: Snapshot): readonly MissingPart[] {
  if (subject.kind === 'node' || subject.kind === 'policy' || namespaces.has(subject.namespace)) return [];
  if (policies.every((policy) => policy.namespaces.length === 0)) return [];
  return [part(`Namespace ${subject.namespace}`, 'not among the files: nobody knows which policies admit it')];
}

function part(what: string, message: string): MissingPart {
  return { what, message };
}
