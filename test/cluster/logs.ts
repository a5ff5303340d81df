// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNodePlans } from './cluster-record.ts';
import { nodeFolder, paths } from './layout.ts';
import { inNode } from './node/make-node-host.ts';
import { run } from './run.ts';

/** The log of a component of the cluster. */
export interface PartLog {
  /** The component, such as `h1-kubelet`. */
  readonly part: string;
  readonly path: string;
  readonly bytes: number;
}

/** Lists the logs of the running cluster: those of its processes, and what each node's Multus and pods have written. */
export async function listLogs(): Promise<readonly PartLog[]> {
  const processes = (await namesIn(paths.logs)).map((name) => ({
    part: name.replace(/\.log$/, ''),
    path: join(paths.logs, name),
  }));
  const nodes = await Promise.all(
    (await readNodePlans()).map(async ({ name, machine }) =>
      logsBelow(name, machine === undefined ? join(nodeFolder(name), 'trees/var/upper/log') : await fetchLogs(name)),
    ),
  );
  const found = [...processes, ...nodes.flat()];
  const sized = found.map(async (log) => {
    const bytes = await unlessGone(async () => (await stat(log.path)).size);
    return bytes === undefined ? [] : [{ ...log, bytes }];
  });
  return (await Promise.all(sized)).flat();
}

/** Copies all logs to a separate folder, which remains after the cluster is gone. Returns the path of the folder. */
export async function keepLogs(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kube-macvtap-cluster-logs-'));
  for (const { part, path } of await listLogs()) {
    await unlessGone(() => cp(path, join(folder, `${part.replaceAll('/', '_')}.log`)));
  }
  return folder;
}

/**
 * Copies the logs of a node that is a virtual machine, and returns their folder. If the machine does not answer, the
 * folder still has the logs of the last call.
 */
async function fetchLogs(node: string): Promise<string> {
  const folder = join(nodeFolder(node), 'log');
  await mkdir(folder, { recursive: true });
  const pack = await inNode(node, ['sh', '-c', 'cd /var/log && tar -cf - $(ls -d pods multus.log 2>/dev/null)']);
  await run('sh', '-c', '"$@" | tar -xf - -C "$0"', folder, ...pack).catch(() => undefined);
  return folder;
}

/** Returns the logs in a node's /var/log. In a node of namespaces, it is an overlay, which remains after the node. */
async function logsBelow(node: string, folder: string): Promise<readonly Omit<PartLog, 'bytes'>[]> {
  const pods = await namesIn(join(folder, 'pods'), true);
  return [
    { part: `${node}-multus`, path: join(folder, 'multus.log') },
    ...pods
      .filter((path) => path.endsWith('.log'))
      .map((path) => ({ part: `${node}-pods/${path.replace(/\.log$/, '')}`, path: join(folder, 'pods', path) })),
  ].filter(({ path }) => existsSync(path));
}

async function namesIn(folder: string, recursive = false): Promise<readonly string[]> {
  return existsSync(folder) ? (await readdir(folder, { recursive })).toSorted() : [];
}

/** Returns undefined if the file no longer exists: kubelet removes the logs of a deleted pod at any time. */
async function unlessGone<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
