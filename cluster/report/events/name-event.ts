// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { ClusterEvent } from './cluster-event.ts';

/**
 * The name of the Event object: the same for what is the same event, so that a process that was started anew, which
 * remembers nothing, finds what the one before it wrote.
 *
 * @example 'vm-a.5f1d2c3b4a596877'
 */
export function nameEvent(component: string, { type, reason, action, regarding, note }: ClusterEvent): string {
  const { apiVersion, kind, namespace, name, uid } = regarding;
  const identity = JSON.stringify([component, type, reason, action, apiVersion, kind, namespace, name, uid, note]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return `${name.slice(0, longestSubject).replace(/[^a-z0-9]+$/, '')}.${hash}`;
}

/** An object's name has up to 253 characters, and so has an event's. */
const longestSubject = 253 - '.5f1d2c3b4a596877'.length;
