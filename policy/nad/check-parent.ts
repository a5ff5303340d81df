// SPDX-License-Identifier: Apache-2.0
import { quote } from '../json.ts';
import { type Verdict, warn } from '../reasons.ts';
import { parentsOf } from './config/known-keys.ts';
import type { NadRule } from './read-nad.ts';

/**
 * Warns if the config names a parent that the resource does not use. The policy chooses the parent, and the key in the
 * config has no effect. So pods would be connected to a different network than the author expects. If the parents of
 * any offer of the resource are unknown, there is no warning.
 *
 * Reads parent, master and lowerDevice of the plugin. Emits ParentNotOffered.
 */
export const checkParent: NadRule = ({ resource, plugins }, { offers }) => {
  const offered = resource === undefined ? [] : offers.ofResource(resource);
  if (offered.length === 0 || offered.some(({ parents }) => parents.length === 0)) return [];
  const known = new Set(offered.flatMap(({ parents }) => parents));
  return plugins.flatMap(({ conf, path }) =>
    parentsOf(conf)
      .filter(({ value }) => !known.has(value))
      .map(
        ({ key, value }): Verdict =>
          warn('ParentNotOffered', `${path}.${key}`, `${key} ${quote(value)}: ${resource} uses ${listSome(known)}`),
      ),
  );
};

function listSome(names: ReadonlySet<string>): string {
  return `${[...names].slice(0, 4).join(', ')}${names.size > 4 ? ', …' : ''}`;
}
