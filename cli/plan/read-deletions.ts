// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/snapshot.ts';
import { nearestNames } from '../../policy/nearest-names.ts';
import { explicitConfigMap } from '../../policy/plan/read-explicit.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/** What is to be gone. */
export interface Deletions {
  /** IDs. */
  readonly policies: readonly string[];
  readonly explicit: boolean;
}

const policyKinds = /^(policy|policies|mvnnp|macvtapnetworknodepolic(y|ies)(\.macvtap\.network\.kubevirt\.io)?)$/;
const configMapKinds = /^(cm|configmaps?)$/;

/**
 * Reads `policy/edge` and `configmap/macvtap-deviceplugin-config`, both of the installation's namespace. Raises
 * InvalidFlags for what is not there, or is neither.
 */
export function readDeletions(texts: readonly string[], snapshot: Snapshot, policyNamespace: string): Deletions {
  const faults: string[] = [];
  const policies: string[] = [];
  let explicit = false;
  for (const text of texts) {
    const [kind = '', name = ''] = text.toLowerCase().split('/');
    const id = `${policyNamespace}/${name}`;
    if (configMapKinds.test(kind) && name === explicitConfigMap.name && snapshot.explicit !== undefined)
      explicit = true;
    else if (policyKinds.test(kind) && snapshot.policies.some((policy) => policy.id === id)) policies.push(id);
    else faults.push(`--delete ${text}: ${explain(kind, name, snapshot, policyNamespace)}`);
  }
  if (faults.length > 0) throw new MacvtapError('InvalidFlags', faults.join('\n'));
  return { policies, explicit };
}

function explain(kind: string, name: string, { policies }: Snapshot, policyNamespace: string): string {
  if (configMapKinds.test(kind)) return `there is no such config map that counts in ${policyNamespace}`;
  if (!policyKinds.test(kind)) return 'write policy/<name>, or configmap/<name> for the explicit configuration';
  const near = nearestNames(
    name,
    policies.map(({ id }) => id.slice(id.indexOf('/') + 1)),
  );
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  return `no such policy in ${policyNamespace}${hint}`;
}
