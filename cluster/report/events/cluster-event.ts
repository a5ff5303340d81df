// SPDX-License-Identifier: Apache-2.0
import type { EventReason } from './event-reasons.ts';

/** The object that an event is about. `kubectl describe` finds its events by the UID, where the object has one. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent for what is in none: such events are in the namespace `default`. */
  readonly namespace?: string;
  readonly uid?: string;
}

/** Something that happened to an object, for whoever asks `kubectl describe` why. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** What was done or tried. @example 'Allocate' */
  readonly action: string;
  readonly regarding: Regarding;
  /** What happened and what to do: no secrets, no bodies. It is cut to what an event can hold. */
  readonly note: string;
}

/** Takes events and returns at once: what happened does not wait for its event. */
export interface EventRecorder {
  record(event: ClusterEvent): void;
}

/**
 * A Node as kubelet names it in its own events: by its name in place of its UID. `kubectl describe node` looks for both
 * (k8s.io/kubectl 0.34, pkg/describe/describe.go, "two UIDs for host events").
 */
export function aboutNode(name: string): Regarding {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}
