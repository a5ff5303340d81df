// SPDX-License-Identifier: Apache-2.0

/** How something is; each has a colour, and words beside it. */
export type GraphTone = 'good' | 'poor' | 'bad' | 'plain';

/** A node as the picture shows it. */
export interface GraphNode {
  readonly name: string;
  /** What caused its resources. */
  readonly source: string;
  /** In natural order; the last may be the one of resources whose parent is not known. */
  readonly parents: readonly GraphParent[];
  /** Possible parents on which nothing stands. */
  readonly unused: readonly string[];
  /** What is wrong on the node, and what may not be how it is shown. */
  readonly remarks: readonly GraphRemark[];
}

export interface GraphParent {
  readonly name: string;
  /** @example 'bond, down' */
  readonly detail: string;
  readonly tone: GraphTone;
  readonly resources: readonly GraphResource[];
}

export interface GraphResource {
  readonly name: string;
  /** @example 'private, macvtap-cni/policy-1' */
  readonly detail: string;
  readonly tone: GraphTone;
  /** Why it is not Healthy; empty where it is. */
  readonly trouble: string;
  /** Undefined where nobody knows. */
  readonly held: number | undefined;
  /** How many there are; of what is left behind, how many of the whole resource are held. */
  readonly quantity: number;
  /** Devices held from before an edit that moved the resource, which is drawn, and counted, where it stands by now. */
  readonly isLeftBehind?: boolean;
}

export interface GraphRemark {
  readonly tone: 'poor' | 'bad';
  readonly title: string;
  readonly detail: string;
}
