// SPDX-License-Identifier: Apache-2.0
import { isRecord, type ObjectFault } from '../../cluster/objects/known-object.ts';
import { pathText } from '../../cluster/objects/schema-faults.ts';
import { deny, type ReasonCode, type Verdict } from '../../policy/reasons.ts';
import type { LintObject } from './read-objects.ts';

/** Why an API server would not take an object as it is written, or, of the explicit config map, why nobody can read it. */
export function readFaults({ read, value }: LintObject): readonly Verdict[] {
  if (read?.known?.kind === 'MacvtapNetworkNodePolicy') {
    const { faults } = read.known.value;
    // Of one whose shape is sound, the rules tell again what was found, and what to know beside.
    return faults.some(({ code }) => code === 'SchemaFault') ? faults.map(withoutPath) : [];
  }
  const code = read?.known?.kind === 'ConfigMap' ? 'ExplicitInvalid' : 'SchemaFault';
  const faults = read?.faults ?? [];
  return faults.filter((fault) => !isNamedLater(fault, value)).map((fault) => toVerdict(fault, code));
}

/** An object that is created with generateName has no name yet. */
function isNamedLater({ path }: ObjectFault, value: unknown): boolean {
  const metadata = isRecord(value) && isRecord(value.metadata) ? value.metadata : {};
  return path.join('.') === 'metadata.name' && typeof metadata.generateName === 'string';
}

function toVerdict({ path, message }: ObjectFault, code: ReasonCode): Verdict {
  const verdict = deny(code, pathText(path), message);
  // A fault names its place with dots throughout.
  return withoutPath({ ...verdict, detail: message.replace(`${path.join('.')}: `, `${verdict.path}: `) });
}

/** A finding tells the path itself. */
function withoutPath(verdict: Verdict): Verdict {
  const prefix = `${verdict.path}: `;
  return verdict.detail.startsWith(prefix) ? { ...verdict, detail: verdict.detail.slice(prefix.length) } : verdict;
}
