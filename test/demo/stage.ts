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

/** The link kind of the hosts' NICs. They are veth pairs, which are not exposed implicitly by default. */
export const demoLinkKinds = 'veth';

const fixtures = fileURLToPath(new URL('../fixtures/seed/', import.meta.url));

/** The two forms of the API proposal's policy (test/fixtures/seed). */
export type PolicyForm = 'node-centric' | 'resource-centric';

/** The parts of a host. */
export interface StagedHost {
  readonly namespace: NetworkNamespace;
  readonly kubelet: Kubelet;
}

/** Makes a folder for one run, named after its process. Folders of killed runs are removed first. */
export async function makeFolder(undo: AsyncDisposableStack): Promise<string> {
  for (const pid of await demos()) {
    if (!isAlive(pid)) await rm(folderOf(pid), { recursive: true, force: true });
  }
  const folder = folderOf(process.pid);
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'manifests'), { recursive: true });
  return folder;
}

/** Returns the process IDs of other running demos. */
export async function otherDemos(): Promise<readonly number[]> {
  return (await demos()).filter((pid) => pid !== process.pid && isAlive(pid));
}

/** Returns the process IDs of all demos that have a folder, including killed ones. */
async function demos(): Promise<readonly number[]> {
  return (await readdir(tmpdir())).flatMap((name) => /^kmt-demo-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

function folderOf(pid: number): string {
  return join(tmpdir(), `kmt-demo-${pid}`);
}

/** Writes the policy as a user would, in a file without the nodes. */
export async function writePolicy(manifests: string, form: PolicyForm): Promise<void> {
  await cp(join(fixtures, form, 'policy.yaml'), join(manifests, 'policy.yaml'));
}

/** Writes the nodes. If no node plugins run that would write the nodes' states, also writes the states. */
export async function writeNodes(manifests: string, which: 'with states' | 'alone'): Promise<void> {
  const text = await readFile(join(fixtures, 'nodes.yaml'), 'utf8');
  const documents = text
    .split(/^---\n/m)
    .filter((document) => which === 'with states' || /^kind: Node$/m.test(document));
  await writeFile(join(manifests, 'nodes.yaml'), documents.join('---\n'));
}

/** Resolves when every host's node plugin has written its node's state with exactly the expected resources. */
export async function statesWritten(manifests: string, expected: Expected): Promise<void> {
  for (const host of hosts) {
    const path = join(manifests, `macvtapnetworknodestate-${host}.yaml`);
    await until(
      async (): Promise<readonly string[]> => {
        // Rejects after the folder has been removed, so that no caller waits forever.
        await readdir(manifests);
        const state = parse(await readFile(path, 'utf8').catch(() => ''));
        return (state?.status?.resources ?? []).map(({ name }: { name: string }) => name);
      },
      (names) => isDeepStrictEqual(names, Object.keys(expected[host])),
      patienceMs,
    );
  }
}

/** Makes a network namespace for each host, and the veth pairs between them, all up. */
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

/** Starts a stand-in for each host's kubelet: the real gRPC API, without pods. */
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

/** Starts the real node plugin on each host. */
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
        flags: ['--link-kinds', demoLinkKinds],
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
