// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtempDisposable, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import type { FaultPointName } from '../../runtime/fault-points.ts';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from '../kubelet/start-kubelet.ts';
import { startNodePlugin, stateDirectoryOf } from './start-node-plugin.ts';
import type { RunningProcess } from './start-process.ts';

/** A node as the node plugin sees it: links, kubelet (a stand-in) and manifests. */
export interface PluginNode extends AsyncDisposable {
  /** Unique for each node of a run: the indexes of links are derived from it, and all nodes share /dev. */
  readonly name: string;
  readonly namespace: NetworkNamespace;
  readonly kubelet: Kubelet;
  readonly kubeletDirectory: string;
  /** The directory with the node's manifests. The node plugin also writes the node's state there. */
  readonly manifests: string;
  /** The directory of the node plugin's ledger. */
  readonly stateDirectory: string;
  /** Writes manifests to a single file, atomically. */
  write(file: string, ...objects: readonly object[]): Promise<void>;
  writeText(file: string, text: string): Promise<void>;
  start(...flags: readonly string[]): RunningProcess;
  /**
   * Starts a node plugin that kills itself at the given point. `allocate-link-made:2` is the second time that it
   * reaches the point.
   */
  startArmed(fault: FaultPointName | `${FaultPointName}:${number}`, ...flags: readonly string[]): RunningProcess;
  /** Resolves when kubelet has these resources with this many healthy devices, and no others. */
  offers(expected: Readonly<Record<string, number>>): Promise<void>;
  /** Resolves when kubelet has exactly these devices of a served resource. `!` marks an Unhealthy device. */
  lists(resource: string, devices: readonly string[]): Promise<void>;
  /** Resolves when no plugin serves the resource. */
  isGone(resource: string): Promise<void>;
  /** The number of ListAndWatch messages so far. */
  messages(resource: string): number;
  release(resource: string, deviceIds: readonly string[]): void;
  /** Allocates devices, and returns their IDs and the paths in the response. */
  allocate(
    resource: string,
    count?: number,
  ): Promise<{ readonly ids: readonly string[]; readonly paths: readonly string[] }>;
}

/**
 * Makes steps that usually take seconds happen at once: kubelet is queried often, and its first answer counts as
 * complete.
 */
export const quick = ['--held-refresh', '50ms', '--kubelet-settle', '0ms', '--orphan-grace', '100ms'] as const;

let nodes = 0;

/** How the node differs from the default for most tests. */
type NodeOptions = Pick<KubeletOptions, 'onRegister' | 'onList'> & {
  /** The program of the node plugin: a bundle in place of the source. */
  readonly main?: string;
};

/** Creates a node with veth links of these names, all up, and a Node object with these labels. */
export async function makePluginNode(
  links: readonly string[],
  labels: Readonly<Record<string, string>> = {},
  { main, ...kubeletOptions }: NodeOptions = {},
): Promise<PluginNode> {
  nodes += 1;
  const name = `n${nodes}-${process.pid}`;
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-node-')));
  const manifests = join(folder.path, 'manifests');
  const kubeletDirectory = join(folder.path, 'kubelet');
  await mkdir(manifests);
  const namespace = undo.use(await makeNetworkNamespace());
  for (const link of links) await addLink(namespace, link);
  const kubelet = undo.use(
    await startKubelet({ ...kubeletOptions, directory: join(kubeletDirectory, 'device-plugins') }),
  );
  const scope = undo.move();
  const writeText = async (file: string, text: string) => {
    await writeFile(join(manifests, `.${file}`), text);
    await rename(join(manifests, `.${file}`), join(manifests, file));
  };
  const write = (file: string, ...objects: readonly object[]) =>
    writeText(file, objects.map((object) => stringify(object)).join('---\n'));
  await write('node.yaml', nodeObject(name, labels));
  const start = (environment: Readonly<Record<string, string>>, flags: readonly string[]) =>
    scope.use(
      startNodePlugin({
        namespace,
        nodeName: name,
        manifests,
        kubeletDirectory,
        flags: ['--settle', '20ms', ...flags],
        environment,
        ...(main !== undefined && { main }),
      }),
    );
  const served = (resource: string) => kubelet.resource(`${resourcePrefix}${resource}`);
  return {
    name,
    namespace,
    kubelet,
    kubeletDirectory,
    manifests,
    write,
    writeText,
    stateDirectory: stateDirectoryOf(kubeletDirectory),
    start: (...flags) => start({}, flags),
    startArmed: (fault, ...flags) => start({ MACVTAP_TEST_FAULT: fault }, flags),
    offers: (expected) => kubelet.waitFor(() => JSON.stringify(offersOf(kubelet)) === JSON.stringify(sorted(expected))),
    lists: (resource, devices) =>
      kubelet.waitFor(() => {
        const row = served(resource);
        const listed = row?.devices.map(({ ID, health }) => (health === 'Healthy' ? ID : `!${ID}`));
        return row?.connected === true && listed?.join() === devices.join();
      }),
    isGone: (resource) => kubelet.waitFor(() => served(resource)?.connected === false),
    messages: (resource) => served(resource)?.messages ?? 0,
    release: (resource, deviceIds) => kubelet.release({ resourceName: `${resourcePrefix}${resource}`, deviceIds }),
    async allocate(resource, count = 1) {
      const { deviceIds, response } = await kubelet.allocate(`${resourcePrefix}${resource}`, count);
      return { ids: deviceIds, paths: (response.devices ?? []).map(({ host_path }) => host_path) };
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

export async function addLink(namespace: NetworkNamespace, name: string): Promise<void> {
  await namespace.ip(`link add ${name} type veth peer name ${name}-peer`);
  await namespace.ip(`link set ${name} up`);
  await namespace.ip(`link set ${name}-peer up`);
}

export function nodeObject(name: string, labels: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
}

export function namespaceObject(name: string, labels: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function policyObject(name: string, spec: object): object {
  const metadata = { name, namespace: 'macvtap-cni' };
  return { apiVersion: 'macvtap.network.kubevirt.io/v1alpha1', kind: 'MacvtapNetworkNodePolicy', metadata, spec };
}

/** Returns the number of healthy devices for each resource that a connected plugin serves. */
function offersOf(kubelet: Kubelet): Readonly<Record<string, number>> {
  const connected = kubelet.resources().filter((resource) => resource.connected);
  return sorted(
    Object.fromEntries(
      connected.map(({ name, devices }) => [
        name.slice(resourcePrefix.length),
        devices.filter(({ health }) => health === 'Healthy').length,
      ]),
    ),
  );
}

function sorted(offers: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(offers).sort());
}
