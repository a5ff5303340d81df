// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from './reasons.ts';

/**
 * What is wrong with an updated object, where each fault that it had before is a warning: whoever mends one thing, or
 * labels an old object, is not made to mend everything. A fault is the same where its code, its value and its place are;
 * of its place the number in a list does not count, for an item that is added or removed moves those behind it. As many
 * are pardoned as there were: those that stand where they stood first.
 */
export function pardonKnown(faults: readonly Verdict[], before: readonly Verdict[]): readonly Verdict[] {
  const known = new Map<string, string[]>();
  for (const verdict of before) known.getOrInsertComputed(identityOf(verdict), () => []).push(verdict.path);
  const take = (verdict: Verdict, path: string | undefined): boolean => {
    const places = known.get(identityOf(verdict)) ?? [];
    const index = path === undefined ? places.length - 1 : places.indexOf(path);
    return index >= 0 && places.splice(index, 1).length > 0;
  };
  const unmoved = new Set(faults.filter((verdict) => take(verdict, verdict.path)));
  return faults.map((verdict) =>
    unmoved.has(verdict) || take(verdict, undefined) ? { ...verdict, severity: 'warn' } : verdict,
  );
}

/** The detail holds the value at fault: a wrong MTU that became another wrong MTU is a fault of the update. */
function identityOf({ code, path, detail }: Verdict): string {
  // A label's key in brackets is no number in a list, even where it is made of digits.
  return JSON.stringify([code, path.replace(/(?<!matchLabels)\[\d+\]/g, '[]'), detail]);
}
