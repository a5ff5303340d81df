// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type LeveledLog, type LogLevel, logLevels } from './log.ts';
import { watchDirectory } from './watch-directory.ts';

export interface FollowLogLevelOptions {
  /** Holds a level, blanks around it; may be absent, come, change and go. */
  readonly file: string;
  /** Its level now is the one that counts while there is no file. */
  readonly log: LeveledLog;
  readonly pollMs?: number;
}

/** What kubelet replaces, whole, when a ConfigMap that is mounted changes: its files are links through it. */
const kubeletLink = '..data';

/**
 * Keeps a log at the level that a file says. What is no level is told once, and the level stays as it was; without the file
 * the log has the level again that it had before.
 */
export function followLogLevel({ file, log, pollMs = 5_000 }: FollowLogLevelOptions): Disposable {
  const path = resolve(file);
  const before = log.level;
  let told: string | undefined;
  const look = (): void => {
    const said = readLevel(path);
    if ('fault' in said) {
      if (said.fault !== told) log.warn({ file, fault: said.fault, level: log.level }, 'the log level stays as it is');
      told = said.fault;
      return;
    }
    told = undefined;
    change(log, said.level ?? before, said.level === undefined ? '--log-level' : file);
  };
  look();
  return watchDirectory({
    directory: dirname(path),
    isRelevant: (name) => name === basename(path) || name === kubeletLink,
    pollMs,
    onChange: look,
  });
}

/** The level in a file; undefined without the file, or with nothing in it; or what is wrong with it. */
function readLevel(path: string): { readonly level: LogLevel | undefined } | { readonly fault: string } {
  try {
    const text = readFileSync(path, 'utf8').trim();
    const level = logLevels.find((known) => known === text);
    if (level !== undefined || text === '') return { level };
    return { fault: `write one of ${logLevels.join(', ')}: there are ${text.length} characters that are none of them` };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? { level: undefined } : { fault: message };
  }
}

/** Told at the one of both levels that tells more, or a change to `error` would be seen nowhere. */
function change(log: LeveledLog, to: LogLevel, by: string): void {
  const from = log.level;
  if (from === to) return;
  log.level = logLevels[Math.min(logLevels.indexOf(from), logLevels.indexOf(to))] ?? to;
  log.info({ from, to, by }, 'the log level changed');
  log.level = to;
}
