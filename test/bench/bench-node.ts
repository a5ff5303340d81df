// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { devicePluginService } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { deviceIDs } from '../../policy/device/device-id.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { makePluginNode, type PluginNode, policyObject } from '../process/plugin-node.ts';
import { cniSocketOf } from '../process/start-node-plugin.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import { bundledForm, type ProgramForm } from './program-form.ts';

/** A node in a network namespace, like the one in the process tests, with additions for the bench. */
export interface BenchNode extends AsyncDisposable {
  readonly plugin: PluginNode;
  /** Writes one policy, which offers these resources. */
  offer(...resources: readonly Offer[]): Promise<void>;
  /** Starts the node plugin; by default, the bundle that the image contains. */
  start(options?: StartOptions): RunningProcess;
  /** Resolves when kubelet has these resources with this many healthy devices. Rejects if the plugin ends. */
  offers(expected: Readonly<Record<string, number>>): Promise<void>;
  /** Runs Node.js in the node's namespace. It is started in the same way as the node plugin. */
  runNode(...args: readonly string[]): RunningProcess;
  /** Opens a separate client to the socket that the resource registered last. */
  dial(resource: string): ResourceClient;
}

export interface Offer {
  readonly resourceName: string;
  readonly parentIface: string;
  readonly quantity: number;
}

interface StartOptions {
  readonly form?: ProgramForm;
  readonly settle?: string;
  /** The directory of the ledger; by default, it is next to kubelet's own directory. */
  readonly stateDirectory?: string;
  /** Flags for Node.js itself, in addition to the image's. */
  readonly nodeFlags?: readonly string[];
  /** Flags of the node plugin, which override those of the bench. */
  readonly flags?: readonly string[];
}

/** Calls a resource without kubelet's bookkeeping. */
export interface ResourceClient extends Disposable {
  /** Allocates the resource's device with this index. */
  allocate(index: number): Promise<void>;
  /** Calls GetDevicePluginOptions, which does nothing. */
  ask(): Promise<void>;
}

/**
 * Makes a node. `parents` are veth links, which are up. Kubelet also lists this many other pods, each with one device
 * of another plugin.
 */
export async function makeBenchNode(parents: readonly string[], otherPods = 0): Promise<BenchNode> {
  await using undo = new AsyncDisposableStack();
  const others = Array.from({ length: otherPods }, (_, pod) => ({
    resourceName: 'example.com/gpu',
    deviceId: `gpu-${pod}`,
    holder: { namespace: 'default', name: `other-${pod}-5d78c9869d-x7k2p`, container: 'main' },
  }));
  const bundled = undo.use(await bundledForm('nodeplugin'));
  const plugin = undo.use(await makePluginNode(parents, {}, { onList: (held) => [...held, ...others] }));
  // Deleting a parent deletes its macvtaps at once. Deleting a thousand of them one by one takes a minute.
  undo.defer(async () => {
    for (const parent of parents) await plugin.namespace.ip(`link del ${parent}`);
  });
  const scope = undo.move();
  const runNode = (name: string, args: readonly string[], environment = {}) =>
    startProcess({
      name,
      command: ['ip', 'netns', 'exec', plugin.namespace.name, process.execPath, ...args],
      environment,
    });
  let running: RunningProcess | undefined;
  return {
    plugin,
    offer: (...resources) => plugin.write('policy.yaml', policyObject('bench', { parentSelector: resources })),
    start: ({
      form = bundled,
      settle = '20ms',
      stateDirectory = plugin.stateDirectory,
      nodeFlags = [],
      flags = [],
    } = {}) => {
      const args = [
        ...form.nodeFlags,
        ...nodeFlags,
        form.main,
        ...['--source', `manifests:${join(plugin.kubeletDirectory, '../manifests')}`],
        ...['--node-name', plugin.name],
        ...['--kubelet-dir', plugin.kubeletDirectory],
        ...['--state-dir', stateDirectory],
        ...['--cni-socket', cniSocketOf(plugin.kubeletDirectory)],
        ...['--settle', settle],
        ...flags,
      ];
      running = runNode(`node plugin, ${form.name}`, args, form.environment);
      return running;
    },
    offers: (expected) => Promise.race([plugin.offers(expected), failAtEnd(running)]),
    runNode: (...args) => runNode('bare Node.js', args),
    dial: (resource) => dialResource(plugin, resource),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Never resolves. Rejects with the last output of the process when it ends. */
async function failAtEnd(process: RunningProcess | undefined): Promise<never> {
  await process?.exit;
  throw new Error(`the node plugin ended: ${process?.output.slice(-1_000) ?? 'it was not started'}`);
}

function dialResource({ kubelet }: PluginNode, resource: string): ResourceClient {
  const endpoint = kubelet.resource(`${resourcePrefix}${resource}`)?.endpoint;
  if (endpoint === undefined) throw new Error(`${resource} is not registered`);
  const ids = deviceIDs(resource, largestQuantity);
  const socket = dialSocket(join(kubelet.directory, endpoint));
  return {
    allocate: async (index) => {
      const container_requests = [{ devices_ids: [ids[index] as string] }];
      const { container_responses } = await socket.call(devicePluginService.Allocate, { container_requests }, limits);
      if (container_responses[0]?.devices?.length !== 1) throw new Error('Allocate answered without a device');
    },
    ask: async () => void (await socket.call(devicePluginService.GetDevicePluginOptions, {}, limits)),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** The largest quantity that the policy schema allows. */
const largestQuantity = 4_096;

const limits = { timeoutMs: 30_000 };
