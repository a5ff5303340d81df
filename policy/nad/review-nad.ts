// SPDX-License-Identifier: Apache-2.0
import { pardonKnown } from '../pardon-known.ts';
import type { Verdict } from '../reasons.ts';
import { readNad } from './read-nad.ts';
import type { NadContext, NadObject } from './rule.ts';
import { rules } from './rules.ts';

/**
 * Everything that the rules find in a macvtap network, in their order; nothing for any other network and for one that is
 * being deleted. On an update a fault that the object had before is a warning: whoever labels an old network is not made
 * to mend it.
 */
export function reviewNad(nad: NadObject, context: NadContext): readonly Verdict[] {
  const verdicts = judge(nad, context);
  if (context.before === undefined || verdicts.every(({ severity }) => severity === 'warn')) return verdicts;
  return pardonKnown(verdicts, judge(context.before, context));
}

function judge(nad: NadObject, context: NadContext): readonly Verdict[] {
  const facts = readNad(nad);
  return facts === undefined ? [] : rules.flatMap(({ rule }) => rule(facts, context));
}
