// SPDX-License-Identifier: Apache-2.0
import { isRecord } from '../objects/known-object.ts';
import type { ApiObject } from './api-object.ts';

/** Remembers the most nodes that a policy was ever said to select: how many may have something to write at once. */
export interface MostMatched {
  /** Undefined while no status has said anything. */
  readonly nodes: number | undefined;
  /** A MacvtapNetworkNodePolicy as it is read. */
  note(policy: ApiObject): void;
}

/** Statuses are no part of a snapshot, where each writing of one would be news; this takes the number alone, silently. */
export function rememberMostMatched(): MostMatched {
  let nodes: number | undefined;
  return {
    get nodes() {
      return nodes;
    },
    note({ status }) {
      const matched = isRecord(status) ? status.matchedNodes : undefined;
      if (typeof matched === 'number' && !(matched <= (nodes ?? -1))) nodes = matched;
    },
  };
}
