// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from '../plan/match-labels.ts';

/** A selector as kubectl writes it: `vms=true,stage notin (dev,test),team,!legacy`. */
export function describeRequirements(requirements: readonly Requirement[]): string {
  return requirements.map(describeRequirement).join(',');
}

function describeRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
      return `${key}>${values.join(',')}`;
    case 'Lt':
      return `${key}<${values.join(',')}`;
  }
}
