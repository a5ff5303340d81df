// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { type AdmittedPod, makeShimNode, type RuntimeCall, type ShimNode } from '../process/shim-node.ts';
import type { RunningProcess } from '../process/start-process.ts';

/** A node whose pods virtual machines run in: the node plugin and its CNI plugin are real, kubelet is a stand-in. */
export interface MachineNode extends AsyncDisposable {
  /** Starts the node plugin, and resolves when it serves its devices. */
  startPlugin(): Promise<RunningProcess>;
  /** SIGKILL; resolves when kubelet has noticed. */
  killPlugin(plugin: RunningProcess): Promise<void>;
  /** Admits a pod, which holds a device from then on. */
  admit(pod: string): Promise<MachinePod>;
}

export interface MachinePod {
  /** What its machine may open. */
  readonly tapPath: string;
  /** Makes a sandbox with an ADD, and starts its container: again where the one before went, without an Allocate. */
  makeSandbox(): Promise<Sandbox>;
}

export interface Sandbox extends AsyncDisposable {
  readonly namespace: NetworkNamespace;
  readonly macAddress: string;
  /** What tells its link and its tap's node from others, and from such as were made in their place. */
  describe(): Promise<Readonly<Record<string, unknown>>>;
  /** CHECK, and a further start of its container. */
  check(): Promise<void>;
  /** DEL. */
  remove(): Promise<void>;
}

const quantity = 2;

export async function makeMachineNode(): Promise<MachineNode> {
  const node = await makeShimNode({ quantity });
  return {
    async startPlugin() {
      const plugin = node.run();
      const ended = plugin.exit.then(() => assert.fail(`the node plugin ended:\n${plugin.output}`));
      await Promise.race([node.offers({ net: quantity }), ended]);
      return plugin;
    },
    async killPlugin(plugin) {
      plugin.signal('SIGKILL');
      await plugin.exit;
      await node.isGone('net');
    },
    async admit(pod) {
      const admitted = await node.admit(pod);
      let sandboxes = 0;
      return {
        tapPath: admitted.tapPath,
        makeSandbox: () => {
          sandboxes += 1;
          return makeSandbox(node, admitted, { pod, containerID: `${pod}-${sandboxes}` });
        },
      };
    },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

async function makeSandbox(
  { kubelet, call }: ShimNode,
  { id, tapPath, allocation }: AdmittedPod,
  names: Pick<RuntimeCall, 'pod' | 'containerID'>,
): Promise<Sandbox> {
  await using undo = new AsyncDisposableStack();
  const namespace = undo.use(await makeNetworkNamespace());
  const run = async (command: string, conf: object = {}) => {
    const answer = await call(command, { ...names, netns: namespace.path, conf: { deviceID: id, ...conf } });
    assert.equal(answer.exitCode, 0, `${command} of ${names.containerID}: ${JSON.stringify(answer.output)}`);
    return answer.output;
  };
  const prevResult = await run('ADD');
  const startContainer = () => kubelet.startContainer(allocation);
  await startContainer();
  const describe = () => describeTap(namespace, tapPath);
  const { links } = await describe();
  assert.equal(links.length, 1, JSON.stringify(links));
  const scope = undo.move();
  return {
    namespace,
    macAddress: links[0]?.address ?? '',
    describe,
    async check() {
      await run('CHECK', { prevResult });
      await startContainer();
    },
    remove: async () => void (await run('DEL')),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

interface Link {
  readonly ifname: string;
  readonly ifindex: number;
  readonly address: string;
}

async function describeTap(namespace: NetworkNamespace, tapPath: string) {
  const links = await namespace.ipJSON<Link>('link show type macvtap');
  // A node that was made anew has another inode, also where its numbers are those of the one before.
  const { ino, rdev, uid, gid } = await stat(tapPath);
  return {
    links: links.map(({ ifname, ifindex, address }) => ({ ifname, ifindex, address })),
    node: { ino, rdev, uid, gid },
  };
}
