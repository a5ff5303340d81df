// SPDX-License-Identifier: Apache-2.0
import { reasons } from '../reasons.ts';
import type { Finding } from './node-plan.ts';

/** A finding as one line for a person: who asked for what, the reason, and the values that it turns on. */
export function describeFinding(finding: Finding): string {
  const { code, value, by } = finding;
  const other = by === undefined ? undefined : `${code === 'Enslaved' ? 'master' : 'first'}: ${by}`;
  const values = [value, other].filter((part) => part !== undefined);
  return `${subjectOf(finding)}: ${reasons[code]}${values.length === 0 ? '' : ` (${values.join(', ')})`}`;
}

/** `macvtap-cni/policy-1[2] eth2`: the asker with its entry, then the interface or resource that it is about. */
function subjectOf({ source, policy, entry, interface: nic, resource }: Finding): string {
  const asker = `${policy ?? source}${entry === undefined ? '' : `[${entry}]`}`;
  const about = [nic, resource === nic ? undefined : resource].filter((part) => part !== undefined).join(' as ');
  return about === '' ? asker : `${asker} ${about}`;
}
