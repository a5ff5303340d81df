// SPDX-License-Identifier: Apache-2.0
import type { Subject } from '../../policy/why/subject.ts';
import type { ObjectKind } from '../view/object-kinds.ts';

/** What a subject of each kind is listed as. */
export const subjectResources = {
  pod: 'pods',
  nad: 'network-attachment-definitions',
  node: 'nodes',
  policy: 'macvtapnetworknodepolicies',
} as const satisfies Record<Subject['kind'], ObjectKind>;
