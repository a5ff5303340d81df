// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from './reasons.ts';

/**
 * One change of an object, as RFC 6902 writes it.
 *
 * @example { op: 'add', path: '/metadata/annotations/k8s.v1.cni.cncf.io~1resourceName', value: '…/dataplane' }
 */
export interface Edit {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** What becomes of an object before it is judged: its changes in the order in which they apply, and what to tell. */
export interface Mutation {
  readonly edits: readonly Edit[];
  /** Of severity warn only: judging is the review's. */
  readonly verdicts: readonly Verdict[];
}

/** A JSON Pointer (RFC 6901) to a place: `/metadata/annotations/a~1b`. */
export function pointer(...path: readonly (string | number)[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
