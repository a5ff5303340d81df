// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import type { PolicyCondition, PolicyStatus } from './status-report.ts';

/** What a stored policy says of itself; one without a status has no conditions. */
export function readPolicyStatus({ metadata, status }: ApiObject): PolicyStatus {
  const { observedGeneration, matchedNodes, exposingNodes, conditions } = isRecord(status) ? status : {};
  return {
    name: `${metadata.namespace ?? 'default'}/${metadata.name}`,
    conditions: Array.isArray(conditions) ? conditions.filter(isRecord).map(toCondition) : [],
    ...(typeof matchedNodes === 'number' && { matchedNodes }),
    ...(typeof exposingNodes === 'number' && { exposingNodes }),
    isBehind:
      typeof observedGeneration === 'number' &&
      typeof metadata.generation === 'number' &&
      observedGeneration < metadata.generation,
  };
}

function toCondition({ type, status, reason, message }: Record<string, unknown>): PolicyCondition {
  return { type: String(type), status: String(status), reason: String(reason ?? ''), message: String(message ?? '') };
}
