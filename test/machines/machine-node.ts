// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { type AdmittedPod, makeShimNode, type RuntimeCall, type ShimNode } from '../process/shim-node.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';

/** A node with pods for virtual machines. The node plugin and its CNI plugin are real, and kubelet is a stand-in. */
export interface MachineNode extends AsyncDisposable {
  /** Starts the node plugin, and resolves when it serves its devices. */
  startPlugin(): Promise<RunningProcess>;
  /** Sends SIGKILL. Resolves when kubelet has noticed the end of the plugin. */
  killPlugin(plugin: RunningProcess): Promise<void>;
  /** Starts a router at the peer of the node's link. It advertises 2001:db8:1::/64 until the node's scope ends. */
  advertiseRouter(): void;
  /** Admits a pod, which then holds a device. */
  admit(pod: string): Promise<MachinePod>;
}

export interface MachinePod {
  /** The tap that the pod's machine may open. */
  readonly tapPath: string;
  /**
   * Makes a sandbox with an ADD, and starts its container. If the previous sandbox is gone, this makes a new one
   * without an Allocate.
   */
  makeSandbox(): Promise<Sandbox>;
}

export interface Sandbox extends AsyncDisposable {
  readonly namespace: NetworkNamespace;
  readonly macAddress: string;
  /** Returns the facts that identify the link and the tap's node. They differ after either is recreated. */
  describe(): Promise<Readonly<Record<string, unknown>>>;
  /** Runs CHECK, and starts the container once more. */
  check(): Promise<void>;
  /** Runs DEL. */
  remove(): Promise<void>;
}

const quantity = 2;

const advertiser = fileURLToPath(new URL('programs/advertise-router.ts', import.meta.url));

export async function makeMachineNode(): Promise<MachineNode> {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await makeShimNode({ quantity }));
  const scope = undo.move();
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
    advertiseRouter() {
      const command = ['ip', 'netns', 'exec', node.namespace.name, process.execPath, advertiser, 'p0-peer'] as const;
      scope.use(startProcess({ name: 'router', command }));
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
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
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
  // A recreated node has another inode, even if it has the same device numbers as before.
  const { ino, rdev, uid, gid } = await stat(tapPath);
  return {
    links: links.map(({ ifname, ifindex, address }) => ({ ifname, ifindex, address })),
    node: { ino, rdev, uid, gid },
  };
}
