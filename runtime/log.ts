// SPDX-License-Identifier: Apache-2.0
import { pino } from 'pino';
import pretty from 'pino-pretty';

/** What the rest of the program logs with: fields first, then a constant message. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Values beside the message; `error` is serialised with its code and facts. */
type LogFields = Readonly<Record<string, unknown>>;

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A log whose level can be changed while it is used. */
export interface LeveledLog extends Log {
  level: LogLevel;
}

/** Logs to standard error: JSON lines, or something readable where a person looks at a terminal. */
export function createLog(level: LogLevel, isTerminal = process.stderr.isTTY): LeveledLog {
  const options = {
    level,
    base: null,
    serializers: { error: serializeError },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Synchronous: what is logged right before the process ends must not be lost.
  const logger = isTerminal
    ? pino(options, pretty({ sync: true, destination: 2, colorize: true, translateTime: 'SYS:HH:MM:ss.l' }))
    : pino(options, pino.destination({ fd: 2, sync: true }));
  return logger as typeof logger & LeveledLog;
}

/** A duration as it is logged: whole microseconds, of which a person reads the first digits. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function serializeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, facts, cause } = error as { code?: unknown; facts?: object; cause?: unknown };
  return {
    message: error.message,
    ...(code !== undefined && { code }),
    ...facts,
    // The cause's own: where it was thrown, not where it was made an error of ours.
    ...(code === 'Unexpected' && { stack: (cause instanceof Error ? cause : error).stack }),
  };
}
