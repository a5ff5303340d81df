// SPDX-License-Identifier: Apache-2.0

/** Ends an entry, wherever it is: a body that waits is dropped, one inside makes room. Twice does no harm. */
export type LeaveGate = () => void;

/** Lets large bodies be parsed as long as those that are being reviewed are not too large together. */
export interface BodyGate {
  /**
   * Calls back when the body may be parsed: at once, or in its turn. What it returns, and calls back with, is to be called
   * when the review is over or nobody wants it any more. Returns undefined, and never calls back, where too much waits.
   */
  enter(length: number, onTurn: (leave: LeaveGate) => void): LeaveGate | undefined;
}

/**
 * In UTF-16 code units, all of them together; a single one may be larger. The objects that JSON is parsed into can
 * take thirty times its length, and stay as long as something is looked up for them: a handful of pods of some megabytes,
 * which anybody who may create pods can send, would end a process that has half a gigabyte.
 */
const largeTogether = 4 * 1024 * 1024;

/** In UTF-16 code units, too, of one or two bytes: what waits is held as text, so 64 MiB at most. */
const waitingTogether = 32 * 1024 * 1024;

interface Entry {
  readonly length: number;
  readonly onTurn: () => void;
}

export function createBodyGate(): BodyGate {
  const waiting = new Set<Entry>();
  const inside = new Set<Entry>();
  const hasRoom = (length: number): boolean => inside.size === 0 || lengthOf(inside) + length <= largeTogether;
  const admit = (): void => {
    for (const entry of waiting) {
      if (!hasRoom(entry.length)) return;
      waiting.delete(entry);
      inside.add(entry);
      entry.onTurn();
    }
  };
  return {
    enter(length, onTurn) {
      const mustWait = waiting.size > 0 || !hasRoom(length);
      if (mustWait && lengthOf(waiting) + length > waitingTogether) return undefined;
      const entry: Entry = { length, onTurn: () => onTurn(leave) };
      const leave = (): void => {
        if (waiting.delete(entry) || inside.delete(entry)) admit();
      };
      waiting.add(entry);
      admit();
      return leave;
    },
  };
}

function lengthOf(entries: ReadonlySet<Entry>): number {
  return entries.values().reduce((sum, { length }) => sum + length, 0);
}
