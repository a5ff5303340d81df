// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CNIPlugin, type CNIPluginOptions, openCNIPlugin, socketPathOf } from './cni-plugin.ts';
import { callShim, type ShimCall } from './cni-shim.ts';
import type { NetworkNamespace } from './network-namespace.ts';

/** A node as the CNI plugin sees it: a parent p0, its veth peer p1, and the programs that run on the node. */
export interface CNINode extends CNIPlugin {
  readonly name: string;
  readonly directory: string;
  /** Calls the plugin as a runtime does. */
  call(command: string, pod: PodCall): Promise<Answer>;
}

export interface PodCall extends Partial<Pick<ShimCall, 'onOwn'>> {
  readonly containerID?: string;
  /** CNI_NETNS. */
  readonly netns?: string;
  readonly ifname?: string;
  readonly args?: string;
  /** The config in addition to cniVersion, name and type. */
  readonly conf?: Readonly<Record<string, unknown>>;
}

/** The plugin's exit code and its parsed output. The output is undefined if there is none. */
export interface Answer {
  readonly exitCode: number;
  readonly output: Readonly<Record<string, unknown>> | undefined;
}

let nodes = 0;

export async function makeCNINode(
  here: NetworkNamespace,
  options: Pick<CNIPluginOptions, 'mode' | 'holders'> = {},
): Promise<CNINode> {
  await using undo = new AsyncDisposableStack();
  const { name, directory } = undo.use(await makeBareNode(here));
  const plugin = undo.use(await openCNIPlugin({ ...options, directory, nodeName: name }));
  const scope = undo.move();
  return {
    ...plugin,
    name,
    directory,
    call: (command, pod) => callPlugin(directory, command, pod),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Makes a node on which nothing runs yet. */
export async function makeBareNode(
  here: NetworkNamespace,
): Promise<AsyncDisposable & { readonly name: string; readonly directory: string }> {
  nodes += 1;
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-cni-')));
  await makeParent(here);
  undo.defer(async () => void (await here.ip('link del p0').catch(() => undefined)));
  const scope = undo.move();
  // All nodes share /dev. Device indexes are derived from this name, so it must be unique.
  const name = `cni-${process.pid}-${nodes}`;
  return { name, directory: folder.path, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/**
 * Makes the parent p0 and its veth peer p1. Neither sends anything by itself, so every received frame comes from a
 * macvtap.
 */
async function makeParent(here: NetworkNamespace): Promise<void> {
  await here.ip('link add p0 type veth peer name p1');
  for (const end of ['p0', 'p1']) {
    await here.ip(`link set ${end} addrgenmode none`);
    await here.ip(`link set ${end} up`);
  }
}

export async function callPlugin(directory: string, command: string, pod: PodCall): Promise<Answer> {
  const { exitCode, output } = await callShim(socketPathOf(directory), toShimCall(command, pod));
  return { exitCode, output: output === '' ? undefined : JSON.parse(output) };
}

export function toShimCall(
  command: string,
  { containerID = 'c1', netns = '', ifname = 'net1', args, conf, onOwn }: PodCall,
): ShimCall {
  return {
    environment: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerID,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_ARGS: args ?? 'IgnoreUnknown=1;K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-a',
      CNI_PATH: '/opt/cni/bin',
    },
    conf: { cniVersion: '1.0.0', name: 'blue', type: 'macvtap', ...conf },
    ...(onOwn !== undefined && { onOwn }),
  };
}
