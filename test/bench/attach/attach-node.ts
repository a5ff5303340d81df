// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installShim } from '../../../nodeplugin/cni/install-shim.ts';
import { buildShim } from '../../../nodeplugin/cni/shim/build-shim.ts';
import { resourcePrefix } from '../../../policy/plan/resource-name.ts';
import type { NetworkNamespace } from '../../kernel/network-namespace.ts';
import { cniSocketOf } from '../../process/start-node-plugin.ts';
import type { RunningProcess } from '../../process/start-process.ts';
import { makeBenchNode } from '../bench-node.ts';
import type { ProgramCall } from './run-at-once.ts';

/** A node with a node plugin, and the shim as it is installed there. */
export interface AttachNode extends AsyncDisposable {
  readonly namespace: NetworkNamespace;
  readonly process: RunningProcess;
  /** Kubelet gives a pod so many devices. Returns their IDs. */
  allocate(count: number): Promise<readonly string[]>;
  /** The pod is over, for kubelet. */
  release(devices: readonly string[]): void;
  /** What the container runtime starts. */
  call(command: 'ADD' | 'DEL', device: string, netnsPath: string): ProgramCall;
}

/** As many machines as a node has; a device that was released is given out again after all others. */
const quantity = 40;

/** `folder` is for the shim, and `stateDirectory` for the ledger. Beside eth0, which has the devices, it has eth1. */
export async function startAttachNode(options: {
  readonly folder: string;
  readonly stateDirectory?: string;
  readonly nodeFlags?: readonly string[];
}): Promise<AttachNode> {
  const { folder, ...start } = options;
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await makeBenchNode(['eth0', 'eth1']));
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
