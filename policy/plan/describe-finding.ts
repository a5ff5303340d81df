// SPDX-License-Identifier: Apache-2.0
import { reasons } from '../reasons.ts';
import type { Finding } from './node-plan.ts';

/** A finding as one line for a person: who asked for what, the reason, and the values that it turns on. */
export function describeFinding(finding: Finding): string {
  return `${askerOf(finding)}${placeOf(finding)}: ${describeReason(finding)}`;
}

/** Findings of one asker with the same reason, as one line: `macvtap-cni/p[0] eth0, [2] eth1 as data: …`. */
export function describeTogether(findings: readonly [Finding, ...Finding[]]): string {
  const [first] = findings;
  const places = findings.map((finding) => placeOf(finding)).filter((place) => place !== '');
  return `${askerOf(first)}${places.map((place, at) => (at === 0 ? place : place.trimStart())).join(', ')}: ${describeReason(first)}`;
}

/** Why, and the values that it turns on. */
export function describeReason({ code, value, by }: Finding): string {
  const other = by === undefined ? undefined : `${code === 'Enslaved' ? 'master' : 'first'}: ${by}`;
  const values = [value, other].filter((part) => part !== undefined);
  return `${reasons[code]}${values.length === 0 ? '' : ` (${values.join(', ')})`}`;
}

function askerOf({ source, policy }: Finding): string {
  return policy ?? source;
}

/** `[2] eth2 as data`: the entry, then the interface or resource that it is about, as it stands behind the asker. */
function placeOf({ entry, interface: nic, resource }: Finding): string {
  const about = [nic, resource === nic ? undefined : resource].filter((part) => part !== undefined).join(' as ');
  return `${entry === undefined ? '' : `[${entry}]`}${about === '' ? '' : ` ${about}`}`;
}
