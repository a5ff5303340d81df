// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildShim } from '../../../build/build-shim.ts';
import { installShim } from '../../../nodeplugin/cni/shim/install-shim.ts';
import { resourcePrefix } from '../../../policy/plan/resource.ts';
import type { NetworkNamespace } from '../../kernel/network-namespace.ts';
import { cniSocketOf } from '../../process/start-node-plugin.ts';
import type { RunningProcess } from '../../process/start-process.ts';
import { makeBenchNode } from '../bench-node.ts';
import type { ProgramCall } from './run-at-once.ts';

/** A node with a node plugin, and with the shim that the plugin installed there. */
export interface AttachNode extends AsyncDisposable {
  readonly namespace: NetworkNamespace;
  readonly process: RunningProcess;
  /** Allocates this many devices to a pod, as kubelet does. Returns their IDs. */
  allocate(count: number): Promise<readonly string[]>;
  /** Releases devices, as kubelet does after their pod has ended. */
  release(devices: readonly string[]): void;
  /** Returns the call with which a container runtime would start the shim. */
  call(command: 'ADD' | 'DEL', device: string, netnsPath: string): ProgramCall;
}

/**
 * The number of devices, as on a node with 40 virtual machines. A released device is allocated again only after all
 * others.
 */
const quantity = 40;

/** The other pods that kubelet lists. By default, kubelet accepts up to 110 pods. */
const otherPods = 100;

/**
 * Starts a node. `folder` is for the shim, and `stateDirectory` for the ledger. The node has eth0, with the devices,
 * and eth1.
 */
export async function startAttachNode(options: {
  readonly folder: string;
  readonly stateDirectory?: string;
  readonly nodeFlags?: readonly string[];
}): Promise<AttachNode> {
  const { folder, ...start } = options;
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await makeBenchNode(['eth0', 'eth1'], otherPods));
  await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity });
  const process = undo.use(node.start(start));
  await node.offers({ net: quantity });
  const program = await install(join(folder, node.plugin.name), cniSocketOf(node.plugin.kubeletDirectory));
  const { kubelet, namespace } = node.plugin;
  const resourceName = `${resourcePrefix}net`;
  const scope = undo.move();
  return {
    namespace,
    process,
    allocate: async (count) => (await kubelet.allocate(resourceName, count, pod)).deviceIds,
    release: (deviceIds) => kubelet.release({ resourceName, deviceIds }),
    call: (command, device, netnsPath) => ({
      program,
      environment: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: netnsPath.slice(netnsPath.lastIndexOf('/') + 1),
        CNI_NETNS: netnsPath,
        CNI_IFNAME: 'net1',
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.namespace};K8S_POD_NAME=${pod.name}`,
        CNI_PATH: '/opt/cni/bin',
      },
      stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'blue', type: 'macvtap', deviceID: device }),
    }),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const pod = { namespace: 'vms', name: 'vm-a' };

async function install(directory: string, socketPath: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await installShim({ binary: await buildShim(), directory, socketPath });
  return join(directory, 'macvtap');
}
