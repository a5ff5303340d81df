// SPDX-License-Identifier: Apache-2.0
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { type Kubelet, startKubelet } from '../kubelet/start-kubelet.ts';
import { startNodePlugin } from '../process/start-node-plugin.ts';
import type { RunningProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import { cables, type Expected, type Host, hosts } from './hosts.ts';
import { patienceMs } from './progress.ts';

const fixtures = fileURLToPath(new URL('../fixtures/seed/', import.meta.url));

/** The proposal's policy, in the form that lists each resource and in the form that names one. */
export type PolicyForm = 'node-centric' | 'resource-centric';

/** What a host consists of. */
export interface StagedHost {
  readonly namespace: NetworkNamespace;
  readonly kubelet: Kubelet;
}

/** A folder for one run, named after its process; those of runs that were killed are removed first. */
export async function makeFolder(undo: AsyncDisposableStack): Promise<string> {
  for (const pid of await demos()) {
    if (!isAlive(pid)) await rm(folderOf(pid), { recursive: true, force: true });
  }
  const folder = folderOf(process.pid);
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'manifests'), { recursive: true });
  return folder;
}

/** The process IDs of other demos that run. */
export async function otherDemos(): Promise<readonly number[]> {
  return (await demos()).filter((pid) => pid !== process.pid && isAlive(pid));
}

/** Of those that have a folder, also of those that were killed. */
async function demos(): Promise<readonly number[]> {
  return (await readdir(tmpdir())).flatMap((name) => /^kmt-demo-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

function folderOf(pid: number): string {
  return join(tmpdir(), `kmt-demo-${pid}`);
}

/** The manifests as a person would write them: the nodes in one file, the policy in another. */
export async function writePolicy(manifests: string, form: PolicyForm): Promise<void> {
  await cp(join(fixtures, form, 'policy.yaml'), join(manifests, 'policy.yaml'));
}

/** With their states, for who has no node plugin that would write them. */
export async function writeNodes(manifests: string, which: 'with states' | 'alone'): Promise<void> {
  const text = await readFile(join(fixtures, 'nodes.yaml'), 'utf8');
  const documents = text
    .split(/^---\n/m)
    .filter((document) => which === 'with states' || /^kind: Node$/m.test(document));
  await writeFile(join(manifests, 'nodes.yaml'), documents.join('---\n'));
}

/** Resolves when every host's node plugin has written what its node offers: each of these resources, by host. */
export async function statesWritten(manifests: string, expected: Expected): Promise<void> {
  for (const host of hosts) {
    const path = join(manifests, `macvtapnetworknodestate-${host}.yaml`);
    await until(
      async (): Promise<readonly string[]> => {
        // Fails once the folder is removed: nobody waits any more.
        await readdir(manifests);
        const state = parse(await readFile(path, 'utf8').catch(() => ''));
        return (state?.status?.resources ?? []).map(({ name }: { name: string }) => name);
      },
      (names) => isDeepStrictEqual(names, Object.keys(expected[host])),
      patienceMs,
    );
  }
}

/** Network namespaces for the hosts, and veth pairs between them, all up. */
export async function makeNetworks(undo: AsyncDisposableStack): Promise<ReadonlyMap<Host, NetworkNamespace>> {
  const networks = new Map<Host, NetworkNamespace>();
  for (const host of hosts) networks.set(host, undo.use(await makeNetworkNamespace()));
  for (const [one, other] of cables) {
    const near = networkOf(networks, one.host);
    const far = networkOf(networks, other.host);
    await near.ip(`link add ${one.interface} type veth peer name ${other.interface} netns ${far.name}`);
    await near.ip(`link set ${one.interface} up`);
    await far.ip(`link set ${other.interface} up`);
  }
  return networks;
}

/** A stand-in for each host's kubelet: the real gRPC API, without pods. */
export async function startKubelets(
  folder: string,
  networks: ReadonlyMap<Host, NetworkNamespace>,
  undo: AsyncDisposableStack,
): Promise<ReadonlyMap<Host, StagedHost>> {
  const staged = new Map<Host, StagedHost>();
  for (const [host, namespace] of networks) {
    const kubelet = undo.use(await startKubelet({ directory: join(folder, host, 'device-plugins') }));
    staged.set(host, { namespace, kubelet });
  }
  return staged;
}

/** The real node plugin on each host. */
export function startNodePlugins(
  folder: string,
  staged: ReadonlyMap<Host, StagedHost>,
  undo: AsyncDisposableStack,
): readonly RunningProcess[] {
  return [...staged].map(([host, { namespace }]) =>
    undo.use(
      startNodePlugin({
        namespace,
        nodeName: host,
        manifests: join(folder, 'manifests'),
        kubeletDirectory: join(folder, host),
        flags: ['--link-kinds', 'veth'],
      }),
    ),
  );
}

export function networkOf(networks: ReadonlyMap<Host, NetworkNamespace>, host: Host): NetworkNamespace {
  const network = networks.get(host);
  if (network === undefined) throw new Error(`no host ${host}`);
  return network;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
