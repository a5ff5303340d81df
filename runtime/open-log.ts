// SPDX-License-Identifier: Apache-2.0

import { followLogLevel } from './follow-log-level.ts';
import { createLog, type LeveledLog, type Log, type LogLevel } from './log.ts';

/** A process's log, and what follows its level. */
export interface OpenLog extends Disposable {
  readonly log: Log;
}

/** Logs at a level, or at the one in a file, while that has one. */
export function openLog(
  level: LogLevel,
  file: string | undefined,
  create: (level: LogLevel) => LeveledLog = createLog,
): OpenLog {
  const log = create(level);
  const following = file === undefined ? undefined : followLogLevel({ file, log });
  return { log, [Symbol.dispose]: () => following?.[Symbol.dispose]() };
}
