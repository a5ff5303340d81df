// SPDX-License-Identifier: Apache-2.0
import type { WriteStream } from 'node:tty';

/** Columns of a terminal; undefined where there is none, or one that tells none, and nothing is to be cut. */
export function terminalWidth({ isTTY, columns }: Pick<WriteStream, 'isTTY' | 'columns'>): number | undefined {
  return isTTY && columns > 0 ? columns : undefined;
}
