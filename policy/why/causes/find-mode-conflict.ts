// SPDX-License-Identifier: Apache-2.0
import { givenValue } from '../../json.ts';
import { modeFromPolicy } from '../../nad/default-mode.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { setConfigKey } from '../suggested-commands.ts';

/** Checks that the mode in a network's config is the mode of its resource. CNI ADD fails on nodes where it is not. */
export const findModeConflict: CauseRule = (scope, facts) => {
  if (scope.pod?.isReady) return [];
  return scope.networks.flatMap(({ key, facts: nad, resource }) =>
    (nad?.plugins ?? []).flatMap(({ conf, object }): readonly Cause[] => {
      const mode = givenValue(conf, 'mode');
      if (typeof mode !== 'string' || givenValue(conf, 'modeFrom') === modeFromPolicy) return [];
      return listResources(scope, facts, (one) => one.name === resource && one.mode !== mode).map((found) => ({
        code: 'ModeConflict',
        isNote: false,
        ...locateResource(found),
        network: key,
        detail: `the network has mode ${mode}, but ${resource} has mode ${found.resource.mode}`,
        fix: {
          text: `set mode ${found.resource.mode} in the network${policyHint(found.resource.policy, mode)}`,
          commands: [setConfigKey(key, facts, object, 'mode', found.resource.mode)],
        },
      }));
    }),
  );
};

function policyHint(policy: string | undefined, mode: string): string {
  return policy === undefined ? '' : `, or mode ${mode} in policy ${policy}`;
}
