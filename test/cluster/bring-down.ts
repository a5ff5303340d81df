// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { hierarchies, membersOf, removeGroup } from './control-groups.ts';
import { clusterFolder, paths, prefix } from './layout.ts';
import { removeLink } from './node/node-network.ts';
import { ip } from './run.ts';
import { stopDaemon } from './start-daemon.ts';

/** Ends all processes of the cluster, or of the remains of a killed run, and removes everything that it created. */
export async function bringDown(): Promise<void> {
  const names = existsSync(paths.processes) ? await readdir(paths.processes) : [];
  await Promise.all(names.map((name) => stopDaemon(name.replace(/\.json$/, ''), 0)));
  // Ends the processes without a record: runtime shims, containers, and processes that started during this call.
  await removeGroup(prefix);
  for (const name of await namespaces()) await ip(`netns delete ${name}`);
  for (const name of await links()) await removeLink(name);
  const mounted = mounts();
  if (mounted.length > 0)
    throw new Error(`mounted below ${clusterFolder}, which is therefore not removed: ${mounted.join(', ')}`);
  await rm(clusterFolder, { recursive: true, force: true });
}

/** Lists what remains of a cluster on the machine; empty if no cluster is up. */
export async function findRemains(): Promise<readonly string[]> {
  return [
    ...membersOf(prefix).map((pid) => `process ${pid}`),
    ...hierarchies()
      .map((root) => `${root}/${prefix}`)
      .filter((path) => existsSync(path))
      .map((path) => `control group ${path}`),
    ...(await namespaces()).map((name) => `network namespace ${name}`),
    ...(await links()).map((name) => `link ${name}`),
    ...mounts().map((path) => `mount ${path}`),
    ...(existsSync(clusterFolder) ? [`folder ${clusterFolder}`] : []),
  ];
}

async function namespaces(): Promise<readonly string[]> {
  const names = existsSync('/run/netns') ? await readdir('/run/netns') : [];
  return names.filter((name) => name.startsWith(`${prefix}-`));
}

async function links(): Promise<readonly string[]> {
  return (await readdir('/sys/class/net')).filter((name) => name.startsWith(prefix));
}

function mounts(): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${clusterFolder}/`));
}
