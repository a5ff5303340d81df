// SPDX-License-Identifier: Apache-2.0
import type { Offers } from '../offers/offers.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { Verdict } from '../reasons.ts';
import type { NewKey } from './edit-config.ts';
import type { NadFacts } from './read-nad.ts';

/**
 * A NetworkAttachmentDefinition as an AdmissionReview or a file brings it. Nothing of it is checked: any value may stand
 * in any place, whatever the type says.
 */
export interface NadObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>> | null;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly config?: unknown };
}

/** What a network is judged by, beside itself. */
export interface NadContext {
  readonly offers: Offers;
  /** Of the network's namespace; undefined where they are not known. */
  readonly namespaceLabels: Labels | undefined;
  /** What becomes of a network whose resource nobody offers. */
  readonly unknownResource: 'Deny' | 'Warn' | 'Allow';
  /** On an update: the network as it was. */
  readonly before?: NadObject;
}

/** One rule: collects all that it finds, in the order of the object. */
export type NadRule = (nad: NadFacts, context: NadContext) => readonly Verdict[];

/** What a default adds to a network that lacks it. */
export interface Fill {
  /** The resource's name, without the prefix. */
  readonly resource?: string;
  readonly keys?: readonly NewKey[];
}

/** One default: adds what is absent and never touches what is there. */
export type NadDefault = (nad: NadFacts, context: NadContext) => Fill;
