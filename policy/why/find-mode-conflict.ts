// SPDX-License-Identifier: Apache-2.0
import { givenValue } from '../json-object.ts';
import { modeFromPolicy } from '../nad/default-mode.ts';
import type { Cause, CauseRule } from './cause.ts';
import { listResources, wayTo } from './list-resources.ts';
import { setConfigKey } from './patch-network.ts';

/** A network whose config writes a mode by hand writes that of its resource, or pods fail at ADD on such nodes. */
export const findModeConflict: CauseRule = (scope, facts) => {
  if (scope.pod?.isReady) return [];
  return scope.networks.flatMap(({ key, facts: nad, resource }) =>
    (nad?.plugins ?? []).flatMap(({ conf, object }): readonly Cause[] => {
      const mode = givenValue(conf, 'mode');
      if (typeof mode !== 'string' || givenValue(conf, 'modeFrom') === modeFromPolicy) return [];
      return listResources(scope, facts, (one) => one.name === resource && one.mode !== mode).map((found) => ({
        code: 'ModeConflict',
        isNote: false,
        ...wayTo(found),
        network: key,
        detail: `the network wants mode ${mode}, and ${resource} has mode ${found.resource.mode}`,
        fix: {
          text: `write mode ${found.resource.mode} into the network${policyHint(found.resource.policy, mode)}`,
          commands: [setConfigKey(key, facts, object, 'mode', found.resource.mode)],
        },
      }));
    }),
  );
};

function policyHint(policy: string | undefined, mode: string): string {
  return policy === undefined ? '' : `, or mode ${mode} into policy ${policy}`;
}
