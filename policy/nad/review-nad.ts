// SPDX-License-Identifier: Apache-2.0
import { type Verdict, warn } from '../reasons.ts';
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
  const before = new Set(judge(context.before, context).map(identity));
  return verdicts.map((verdict) =>
    before.has(identity(verdict)) ? warn(verdict.code, verdict.path, verdict.detail) : verdict,
  );
}

function judge(nad: NadObject, context: NadContext): readonly Verdict[] {
  const facts = readNad(nad);
  return facts === undefined ? [] : rules.flatMap(({ rule }) => rule(facts, context));
}

/** The detail holds the value at fault: a wrong MTU that became another wrong MTU is a fault of this update. */
function identity({ code, path, detail }: Verdict): string {
  return JSON.stringify([code, path, detail]);
}
