// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from './reasons.ts';

/**
 * Downgrades errors that the old object already had to warnings. An author can then fix one error, or label an old
 * object, without fixing all other errors first.
 *
 * Two errors are the same if they have the same code, path and detail, which contains the invalid value. List indexes
 * in paths are ignored, because adding or removing an item shifts the items after it. If an error occurs more often
 * than in the old object, the additional occurrences are not downgraded. Occurrences with an unchanged path are
 * downgraded first.
 */
export function downgradeExistingErrors(errors: readonly Verdict[], before: readonly Verdict[]): readonly Verdict[] {
  const existing = new Map<string, Existing>();
  for (const verdict of before) {
    const same = existing.getOrInsertComputed(identityOf(verdict), () => ({ count: 0, places: new Map() }));
    same.count += 1;
    same.places.set(verdict.path, (same.places.get(verdict.path) ?? 0) + 1);
  }
  const isUnmoved = (verdict: Verdict): boolean => {
    const same = existing.get(identityOf(verdict));
    const there = same?.places.get(verdict.path) ?? 0;
    if (same === undefined || there === 0) return false;
    same.count -= 1;
    same.places.set(verdict.path, there - 1);
    return true;
  };
  const isMoved = (verdict: Verdict): boolean => {
    const same = existing.get(identityOf(verdict));
    if (same === undefined || same.count === 0) return false;
    same.count -= 1;
    return true;
  };
  const unmoved = new Set(errors.filter(isUnmoved));
  return errors.map((verdict) =>
    unmoved.has(verdict) || isMoved(verdict) ? { ...verdict, severity: 'warn' } : verdict,
  );
}

/**
 * The old object's errors that differ only in list indexes. Each match with an error of the new object reduces the
 * counts by one.
 */
interface Existing {
  count: number;
  readonly places: Map<string, number>;
}

/**
 * Returns a key that is equal for two errors that are the same. The key includes the detail, which contains the invalid
 * value. So a wrong MTU that replaces another wrong MTU is a new error.
 */
function identityOf({ code, path, detail }: Verdict): string {
  // The line number of an ambiguous key changes when lines above it are edited.
  const text = code === 'AmbiguousKey' ? detail.replace(/^line \d+, column \d+: /, '') : detail;
  // In `matchLabels[42]`, the brackets contain the key of a label. It is not a list index, even if it consists of
  // digits.
  return JSON.stringify([code, path.replace(/(?<!matchLabels)\[\d+\]/g, '[]'), text]);
}
