// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from './reasons.ts';

/**
 * What is wrong with an updated object, where each fault that it had before is a warning: whoever mends one thing, or
 * labels an old object, is not made to mend everything. A fault is the same where its code, its value and its place are;
 * of its place the number in a list does not count, for an item that is added or removed moves those behind it. As many
 * are pardoned as there were: those that stand where they stood first.
 */
export function pardonKnown(faults: readonly Verdict[], before: readonly Verdict[]): readonly Verdict[] {
  const known = new Map<string, Known>();
  for (const verdict of before) {
    const same = known.getOrInsertComputed(identityOf(verdict), () => ({ count: 0, places: new Map() }));
    same.count += 1;
    same.places.set(verdict.path, (same.places.get(verdict.path) ?? 0) + 1);
  }
  const isUnmoved = (verdict: Verdict): boolean => {
    const same = known.get(identityOf(verdict));
    const there = same?.places.get(verdict.path) ?? 0;
    if (same === undefined || there === 0) return false;
    same.count -= 1;
    same.places.set(verdict.path, there - 1);
    return true;
  };
  const isMoved = (verdict: Verdict): boolean => {
    const same = known.get(identityOf(verdict));
    if (same === undefined || same.count === 0) return false;
    same.count -= 1;
    return true;
  };
  const unmoved = new Set(faults.filter(isUnmoved));
  return faults.map((verdict) =>
    unmoved.has(verdict) || isMoved(verdict) ? { ...verdict, severity: 'warn' } : verdict,
  );
}

/** Faults from before that are the same but for where in a list they stand, as far as none of now was held against them. */
interface Known {
  count: number;
  readonly places: Map<string, number>;
}

/** The detail holds the value at fault: a wrong MTU that became another wrong MTU is a fault of the update. */
function identityOf({ code, path, detail }: Verdict): string {
  // A label's key in brackets is no number in a list, even where it is made of digits.
  return JSON.stringify([code, path.replace(/(?<!matchLabels)\[\d+\]/g, '[]'), detail]);
}
