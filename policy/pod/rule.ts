// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '../reasons.ts';
import type { PodContext } from './pod-context.ts';
import type { PodObject } from './read-pod.ts';

/** One rule: collects all that it finds, in the order of the object. */
export type PodRule = (pod: PodObject, context: PodContext) => readonly Verdict[];
