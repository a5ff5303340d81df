// SPDX-License-Identifier: Apache-2.0

import { quote } from '../quote.ts';
import { type Verdict, warn } from '../reasons.ts';
import { parentsOf } from './parent-keys.ts';
import type { NadRule } from './rule.ts';

/**
 * A parent that the config names should be one that the resource stands on. The policy decides, the key does nothing; an
 * author who wrote another interface would find the pods on the wrong wire. Offers of which nobody knows the parents yet
 * are given the benefit of the doubt.
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
          warn(
            'ParentNotOffered',
            `${path}.${key}`,
            `${key} ${quote(value)}: ${resource} stands on ${listSome(known)}`,
          ),
      ),
  );
};

function listSome(names: ReadonlySet<string>): string {
  return `${[...names].slice(0, 4).join(', ')}${names.size > 4 ? ', …' : ''}`;
}
