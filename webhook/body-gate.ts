// SPDX-License-Identifier: Apache-2.0

/** Lets large bodies be parsed as long as those that are being reviewed are not too large together. */
export interface BodyGate {
  /**
   * Calls back when the body may be parsed: at once, or in its turn. What it is called with is to be called when the answer
   * is out; twice does no harm.
   */
  enter(length: number, onTurn: (leave: () => void) => void): void;
}

/**
 * In UTF-16 code units, all of them together; a single one may be larger. The objects that JSON is parsed into can
 * take thirty times its length, and stay as long as something is looked up for them: a handful of pods of some megabytes,
 * which anybody who may create pods can send, would end a process that has half a gigabyte.
 */
const largeTogether = 4 * 1024 * 1024;

export function createBodyGate(): BodyGate {
  const waiting: { readonly length: number; readonly onTurn: (leave: () => void) => void }[] = [];
  let inside = 0;
  const admit = (): void => {
    for (;;) {
      const [next] = waiting;
      if (next === undefined || (inside > 0 && inside + next.length > largeTogether)) return;
      waiting.shift();
      inside += next.length;
      let isInside = true;
      next.onTurn(() => {
        if (!isInside) return;
        isInside = false;
        inside -= next.length;
        admit();
      });
    }
  };
  return {
    enter(length, onTurn) {
      waiting.push({ length, onTurn });
      admit();
    },
  };
}
