// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Returns the roots of the machine's cgroup hierarchies: one for each controller with cgroup v1, and a single one with
 * v2. A v2 hierarchy next to v1 hierarchies controls nothing, and is left out.
 */
export function hierarchies(): readonly string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const ofType = (type: string) =>
    mounts
      .filter(([, path, found]) => found === type && path?.startsWith('/sys/fs/cgroup'))
      .map(([, path]) => path ?? '');
  const first = ofType('cgroup');
  return first.length > 0 ? first : ofType('cgroup2');
}

/** Returns the hierarchy in which the cluster's processes join a group. */
function census(): string {
  const roots = hierarchies();
  return roots.find((root) => root.endsWith('/pids')) ?? (roots[0] as string);
}

/** Returns the file to which a process writes its ID to join a group. */
export function membersFile(group: string): string {
  return join(census(), group, 'cgroup.procs');
}

/** Makes a group and its parents in every hierarchy. */
export async function makeGroup(group: string): Promise<void> {
  for (const root of hierarchies()) await makeBelow(root, group);
}

async function makeBelow(root: string, group: string): Promise<void> {
  const path = join(root, group);
  if (group !== '.' && !existsSync(path)) {
    await makeBelow(root, dirname(group));
    await mkdir(path);
  }
  // With cgroup v1, no process can join a cpuset group without processors and memory.
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (!root.endsWith('/cpuset') || group === '.') continue;
    await writeFile(join(path, file), readFileSync(join(dirname(path), file)));
  }
}

/** Returns the processes of a group and of the groups below it. */
export function membersOf(group: string): readonly number[] {
  return hierarchies().flatMap((root) => groupsBelow(join(root, group)).flatMap(readMembers));
}

/** Ends every process of a group and of the groups below it, and removes the groups. */
export async function removeGroup(group: string): Promise<void> {
  const pollMs = 20;
  for (let members = membersOf(group); members.length > 0; members = membersOf(group)) {
    for (const pid of new Set(members)) killIfThere(pid);
    await sleep(pollMs);
  }
  for (const root of hierarchies()) {
    for (const path of groupsBelow(join(root, group))) await removeWhenFree(path);
  }
}

/** Removes a group as soon as it is free. A group whose last process has just ended stays busy for a moment. */
async function removeWhenFree(path: string): Promise<void> {
  const pollMs = 20;
  const tries = 250;
  for (let tried = 1; ; tried += 1) {
    try {
      return await rmdir(path);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || tried === tries) throw thrown;
      await sleep(pollMs);
    }
  }
}

/** Returns the folders of a group and of the groups below it, the lowest first. */
function groupsBelow(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap(({ name }) => groupsBelow(join(path, name))), path];
}

function readMembers(path: string): readonly number[] {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
