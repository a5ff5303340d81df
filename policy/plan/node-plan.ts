// SPDX-License-Identifier: Apache-2.0
import type { ReasonCode } from '../reasons.ts';
import type { Mode } from './mode.ts';

/** What caused a node's resources; `none` when nothing applies. */
export type SourceName = 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';

/** What was looked at: the part of a policy, a configuration or a label that asks for something. */
export interface Asker {
  readonly source: Exclude<SourceName, 'none'>;
  /** `namespace/name`, when the source is a policy. */
  readonly policy?: string;
  /** Index in parentSelector, or in the explicit configuration's list. */
  readonly entry?: number;
}

/** A resource of a node: how many devices of which mode stand on which parent. */
export interface PlannedResource extends Asker {
  /** Without the prefix: `dataplane`. */
  readonly name: string;
  /** Name of the interface. */
  readonly parent: string;
  readonly mode: Mode;
  readonly quantity: number;
  /** For kubelet's topology hint; a bond is on the nodes of its members. Empty: no hint. */
  readonly numaNodes: readonly number[];
  readonly needVhostNet: boolean;
}

/**
 * Why something became no resource. Which facts are present depends on the code; docs/reasons.md tells.
 *
 * @example { code: 'Enslaved', source: 'policy', policy: 'macvtap-cni/p', entry: 0, interface: 'eth1', by: 'bond1' }
 */
export interface Finding extends Asker {
  readonly code: ReasonCode;
  readonly interface?: string;
  readonly resource?: string;
  /** Who came first: the policy, the interface or the master. */
  readonly by?: string;
  /** The text at fault, such as a label's value or a field's path. */
  readonly value?: string;
}

/** The answer for one node. */
export interface NodePlan {
  readonly node: string;
  readonly source: SourceName;
  /** By name. */
  readonly resources: readonly PlannedResource[];
  readonly skipped: readonly Finding[];
  readonly conflicts: readonly Finding[];
}
