// SPDX-License-Identifier: Apache-2.0
import { describeExplicitErrors, editExplicit, findExplicitErrors } from '../../plan/from-explicit.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { ungovernedNodes } from '../scope.ts';

/**
 * Checks that the explicit configuration is valid. It applies only to nodes that no policy selects. For a pod or a
 * network, an error counts only if it is the reason why a resource is missing.
 */
export const findExplicitInvalid: CauseRule = ({ subject, nodes, shortages }, facts) => {
  const errors = findExplicitErrors(facts.explicit);
  if (errors.length === 0 || subject.kind === 'policy') return [];
  const places = subject.kind === 'node' ? [{ nodes }] : shortages;
  return places.flatMap(({ nodes: all, ...about }): readonly Cause[] => {
    const resource = 'resource' in about ? (about.resource ?? '') : undefined;
    const mine = errors.filter(({ names }) => resource === undefined || names.includes(resource));
    const affected = ungovernedNodes(all, facts);
    if (mine.length === 0 || affected.length === 0) return [];
    return [
      {
        code: 'ExplicitInvalid',
        isNote: false,
        ...about,
        nodes: affected,
        detail: `config map macvtap-deviceplugin-config: ${describeExplicitErrors(mine.map(({ text }) => text))}`,
        fix: { text: 'fix the config map', commands: [editExplicit(facts.policyNamespace)] },
      },
    ];
  });
};
