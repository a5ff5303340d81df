// SPDX-License-Identifier: Apache-2.0
import { describeAmbiguous } from '../../nad/check-ambiguous-keys.ts';
import { selectNetworks } from '../../pod/parse-networks.ts';
import { namespaceOf } from '../../pod/read-pod.ts';
import type { Cause, CauseRule } from '../cause.ts';
import type { Scope } from '../scope.ts';
import { kubectl, placeOf, recreatePod } from '../suggested-commands.ts';

/**
 * Checks that the keys in the networks' configs and in the pod's annotations are unambiguous. The webhook rejects
 * ambiguous keys, but some objects are older than the webhook. The node plugin does not attach a network whose config
 * has ambiguous keys.
 */
export const findAmbiguousKeys: CauseRule = (scope) =>
  scope.pod?.isReady ? [] : [...inNetworks(scope), ...inAnnotations(scope)];

function inNetworks({ networks }: Scope): readonly Cause[] {
  return networks.flatMap(({ key, facts }): readonly Cause[] => {
    const { config, ambiguous = [] } = facts ?? {};
    const [first, ...others] = ambiguous;
    if (config === undefined || first === undefined) return [];
    return [
      {
        code: 'AmbiguousKey',
        isNote: false,
        network: key,
        detail: `spec.config, ${describeAmbiguous(config.text, first)}${moreOf(others)}`,
        fix: {
          text: 'write the key once, in its exact spelling',
          commands: [kubectl('edit', 'network-attachment-definitions', ...placeOf(key))],
        },
      },
    ];
  });
}

function inAnnotations({ pod }: Scope): readonly Cause[] {
  if (pod === undefined) return [];
  const selections = selectNetworks(pod.object, { namespace: namespaceOf(pod.object) });
  return selections.flatMap(({ annotation, ambiguity }): readonly Cause[] => {
    const [first, ...others] = ambiguity?.keys ?? [];
    if (ambiguity === undefined || first === undefined) return [];
    return [
      {
        code: 'AmbiguousKey',
        isNote: false,
        detail: `annotation ${annotation}, ${describeAmbiguous(ambiguity.text, first)}${moreOf(others)}`,
        fix: {
          text: 'write the key once, in its exact spelling, in what creates the pod; then recreate the pod',
          commands: [recreatePod(pod)],
        },
      },
    ];
  });
}

function moreOf(others: readonly unknown[]): string {
  return others.length === 0 ? '' : ` (and ${others.length} more)`;
}
