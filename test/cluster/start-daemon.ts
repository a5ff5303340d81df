// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Watched } from '../control-plane/wait-for.ts';
import { membersFile } from './control-groups.ts';
import { clusterEnvironment } from './environment.ts';
import { daemonGroup, paths } from './layout.ts';
import { childrenOf, type ProcessRecord, recordProcess, stopProcess } from './process-record.ts';

export interface DaemonOptions {
  /** The name, which is unique in the cluster, such as `h1-kubelet`. The log and the record are named after it. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * How many times the started program forks before the daemon runs. For example, nsenter forks when it enters a
   * process namespace, so the daemon is nsenter's child.
   */
  readonly forks?: number;
}

/** A process of the cluster, which outlives the process that started it. */
export interface Daemon extends Watched, ProcessRecord {
  readonly name: string;
}

/** How many lines of a log an error repeats. */
const repeatedLines = 60;

/**
 * Starts a process that keeps running when this one ends. The output goes to the log, and the process's identity to the
 * record, both named after the process. The process and all its children are in the cluster's control group, where
 * `down` finds processes without a record.
 */
export async function startDaemon({ name, command, environment = {}, forks = 0 }: DaemonOptions): Promise<Daemon> {
  const log = openSync(logFile(name), 'a');
  using closing = new DisposableStack();
  closing.defer(() => closeSync(log));
  const joinGroup = `echo $$ > ${membersFile(daemonGroup)} && exec "$@"`;
  const child = spawn('sh', ['-c', joinGroup, 'sh', ...command], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...clusterEnvironment(), ...environment },
  });
  const exit = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  child.unref();
  const watched = {
    get output() {
      return readLogTail(name);
    },
    exit,
  };
  const pid = await findInnermost(child.pid ?? -1, forks, exit);
  if (pid === undefined) throw new Error(`${name} ended at once:\n${watched.output}`);
  const record = recordProcess(pid);
  await writeFile(recordFile(name), JSON.stringify(record));
  return Object.assign(watched, { name, ...record });
}

/** Ends a process of the cluster by its record, if the process runs. */
export async function stopDaemon(name: string, graceMs?: number): Promise<void> {
  const record = await readRecord(name);
  if (record !== undefined) await stopProcess(record, graceMs);
  await rm(recordFile(name), { force: true });
}

/** Reads the identity of a process of the cluster. */
export async function readRecord(name: string): Promise<ProcessRecord | undefined> {
  const text = await readFile(recordFile(name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ProcessRecord);
}

export function logFile(name: string): string {
  return join(paths.logs, `${name}.log`);
}

function recordFile(name: string): string {
  return join(paths.processes, `${name}.json`);
}

function readLogTail(name: string): string {
  return readFileSync(logFile(name), 'utf8').trimEnd().split('\n').slice(-repeatedLines).join('\n');
}

async function findInnermost(pid: number, forks: number, exit: Promise<void>): Promise<number | undefined> {
  const pollMs = 5;
  let ended = false;
  void exit.then(() => {
    ended = true;
  });
  for (let [found, depth] = [pid, 0]; ; ) {
    if (depth === forks) return found;
    const [child] = childrenOf(found);
    if (child !== undefined) [found, depth] = [child, depth + 1];
    else if (ended) return undefined;
    else await sleep(pollMs);
  }
}
