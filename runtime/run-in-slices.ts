// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';

interface SliceOptions {
  /** Called after each slice. If it returns true, the next slice follows without a break. */
  readonly isUrgent?: () => boolean;
}

interface AbandonOptions extends SliceOptions {
  /** Called before each slice except the first. If it returns true, the work is abandoned. */
  readonly isOver: () => boolean;
}

/**
 * Runs long work in slices. Returns its result, or undefined if the work was abandoned. The work is a generator that
 * yields every few milliseconds. The event loop handles other events between two slices.
 */
export function runInSlices<Result>(work: Iterator<unknown, Result>, options?: SliceOptions): Promise<Result>;
export function runInSlices<Result>(
  work: Iterator<unknown, Result>,
  options: AbandonOptions,
): Promise<Result | undefined>;
export async function runInSlices<Result>(
  work: Iterator<unknown, Result>,
  { isUrgent = never, isOver = never }: Partial<AbandonOptions> = {},
): Promise<Result | undefined> {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
    if (!isUrgent()) await setImmediate();
    if (isOver()) return undefined;
  }
}

function never(): boolean {
  return false;
}
