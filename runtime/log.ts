// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { logLevels } from './flags.ts';
import { printableLines } from './terminal-text.ts';
import { type BucketSize, createTokenBucket, type TokenBucket } from './token-bucket.ts';
import { watchDirectory } from './watch-directory.ts';

/** The log of the program. Each entry has fields and a constant message. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** The fields of an entry. An error in the field `error` is written with its code and facts. */
type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = (typeof logLevels)[number];

/** A log whose level can change while it is in use. */
export interface LeveledLog extends Log {
  level: LogLevel;
}

/** Creates a log on standard error: JSON lines, or coloured text on a terminal. */
export function createLog(level: LogLevel, isTerminal = process.stderr.isTTY): LeveledLog {
  const options = {
    level,
    base: null,
    serializers: { error: serializeError },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Write synchronously, so that entries right before the end of the process are not lost.
  const stderr = pino.destination({ fd: 2, sync: true });
  const prettify = isTerminal ? prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss.l' }) : undefined;
  // Names from outside may contain control characters that a terminal obeys. JSON lines are still valid JSON after
  // escaping.
  const write = (line: string) => stderr.write(printableLines(prettify?.(line) ?? line));
  const logger = pino(options, { write });
  return logger as typeof logger & LeveledLog;
}

/** Rounds a duration to whole microseconds for the log. */
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
    // The stack of the cause shows where the cause was thrown. The stack of the error itself only shows where the cause
    // was converted.
    ...(code === 'Unexpected' && { stack: (cause instanceof Error ? cause : error).stack }),
  };
}

/** The log of a process. Disposing of it ends the watch on the file that sets the level. */
export interface OpenLog extends Disposable {
  readonly log: Log;
}

/** Opens the log. The level is that of the file while the file sets one, and `level` otherwise. */
export function openLog(
  level: LogLevel,
  file: string | undefined,
  create: (level: LogLevel) => LeveledLog = createLog,
): OpenLog {
  const log = create(level);
  const following = file === undefined ? undefined : followLogLevel({ file, log });
  return { log, [Symbol.dispose]: () => following?.[Symbol.dispose]() };
}

export interface FollowLogLevelOptions {
  /** A file with the level and optional white space. It may be missing, appear, change and disappear. */
  readonly file: string;
  /** The log. Its initial level applies while the file is missing. */
  readonly log: LeveledLog;
  readonly pollMs?: number;
}

/**
 * The symbolic link that kubelet replaces when a mounted ConfigMap changes. Each file of the ConfigMap is a link to a
 * path below this one.
 */
const kubeletLink = '..data';

/**
 * Keeps the level of a log equal to the level in a file. An invalid level is logged once and changes nothing. Without
 * the file, the log returns to its initial level.
 */
export function followLogLevel({ file, log, pollMs = 5_000 }: FollowLogLevelOptions): Disposable {
  const path = resolve(file);
  const before = log.level;
  let logged: string | undefined;
  const look = (): void => {
    const read = readLevel(path);
    if ('fault' in read) {
      if (read.fault !== logged) log.warn({ file, fault: read.fault, level: log.level }, 'log level not changed');
      logged = read.fault;
      return;
    }
    logged = undefined;
    change(log, read.level ?? before, read.level === undefined ? '--log-level' : file);
  };
  look();
  return watchDirectory({
    directory: dirname(path),
    isRelevant: (name) => name === basename(path) || name === kubeletLink,
    pollMs,
    onChange: look,
  });
}

/**
 * Reads the level in a file, or returns the reason why it is invalid. The level is undefined if the file is missing or
 * empty.
 */
function readLevel(path: string): { readonly level: LogLevel | undefined } | { readonly fault: string } {
  try {
    const text = readFileSync(path, 'utf8').trim();
    const level = logLevels.find((known) => known === text);
    if (level !== undefined || text === '') return { level };
    return { fault: `write one of ${logLevels.join(', ')}; the file has ${text.length} other characters` };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? { level: undefined } : { fault: message };
  }
}

/**
 * Changes the level and logs the change. Until the change is logged, the more verbose of both levels applies, so that a
 * change from `info` to `error` is visible.
 */
function change(log: LeveledLog, to: LogLevel, by: string): void {
  const from = log.level;
  if (from === to) return;
  log.level = logLevels[Math.min(logLevels.indexOf(from), logLevels.indexOf(to))] ?? to;
  log.info({ from, to, by }, 'log level changed');
  log.level = to;
}

/**
 * The default rate. A client that causes warnings cannot fill the disk with them, but they are still visible in the
 * log.
 */
const usualRate: BucketSize = { burst: 20, perSecond: 0.2 };

/**
 * Limits the rate of warnings, separately for each message. The first entry after suppressed ones has their number in
 * the field `suppressed`. Messages must be constant texts, because each message has its own bucket.
 */
export function limitWarnings(log: Log, rate: BucketSize = usualRate, nowMs?: () => number): Log {
  const states = new Map<string, { readonly bucket: TokenBucket; suppressed: number }>();
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    error: (fields, message) => log.error(fields, message),
    warn(fields, message) {
      const state = states.get(message) ?? { bucket: createTokenBucket(rate, nowMs), suppressed: 0 };
      states.set(message, state);
      if (!state.bucket.take()) {
        state.suppressed += 1;
        return;
      }
      log.warn(state.suppressed === 0 ? fields : { ...fields, suppressed: state.suppressed }, message);
      state.suppressed = 0;
    },
  };
}
