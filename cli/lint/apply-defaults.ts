// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../cluster/objects/apply-edits.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { defaultNad } from '../../policy/nad/default-nad.ts';
import type { NadContext, NadObject } from '../../policy/nad/rule.ts';
import { defaultPolicy } from '../../policy/nodepolicy/default-policy.ts';

// Others are judged by what a cluster would hold, which is not what the files say but what admission makes of it.

/** A policy with its defaults; everything else as it is. */
export function applyPolicyDefaults(value: unknown): unknown {
  if (!isRecord(value) || value.kind !== 'MacvtapNetworkNodePolicy') return value;
  return applyEdits(value, defaultPolicy(value).edits);
}

/** Networks with their defaults: a pod that names one needs the resource that it was given. */
export function applyNetworkDefaults(
  { networks, namespaces }: Pick<Snapshot, 'networks' | 'namespaces'>,
  context: Pick<NadContext, 'offers' | 'unknownResource'>,
): Snapshot['networks'] {
  return new Map(
    [...networks].map(([key, network]) => {
      const namespaceLabels = namespaces.get(network.metadata.namespace);
      const { edits } = defaultNad(network as NadObject, { ...context, namespaceLabels });
      return [key, applyEdits(network, edits)] as const;
    }),
  );
}
