// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { devicePluginService } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../nodeplugin/grpc/dial-socket.ts';
import { deviceIDs } from '../../policy/device/device-id.ts';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { makePluginNode, type PluginNode, policyObject } from '../process/plugin-node.ts';
import { cniSocketOf } from '../process/start-node-plugin.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import { type ProgramForm, sourceForm } from './program-form.ts';

/** A node in a network namespace of its own, as the tests of the process have it, with what a bench needs more. */
export interface BenchNode extends AsyncDisposable {
  readonly plugin: PluginNode;
  /** One policy with one resource on each of these parents. */
  offer(...resources: readonly Offer[]): Promise<void>;
  /** Starts the node plugin. */
  start(options?: StartOptions): RunningProcess;
  /** Resolves when kubelet knows these resources with so many healthy devices; a plugin that ended is an error. */
  offers(expected: Readonly<Record<string, number>>): Promise<void>;
  /** Runs Node.js inside, with the same steps before it as the node plugin's. */
  runNode(...args: readonly string[]): RunningProcess;
  /** A client of its own on the socket that the resource registered last. */
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
  /** Where the ledger is kept; beside kubelet's own directory when absent. */
  readonly stateDirectory?: string;
  /** For Node.js itself, beside the image's. */
  readonly nodeFlags?: readonly string[];
}

/** Calls without kubelet's bookkeeping around them. */
export interface ResourceClient extends Disposable {
  /** Allocate of the resource's device of this index. */
  allocate(index: number): Promise<void>;
  /** GetDevicePluginOptions: a call that does nothing. */
  ask(): Promise<void>;
}

/** `parents` are veth links, up. */
export async function makeBenchNode(parents: readonly string[]): Promise<BenchNode> {
  await using undo = new AsyncDisposableStack();
  const plugin = undo.use(await makePluginNode(parents));
  // A parent takes its macvtaps along at once; one by one a thousand of them take a minute.
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
      form = sourceForm('nodeplugin'),
      settle = '20ms',
      stateDirectory = plugin.stateDirectory,
      nodeFlags = [],
    } = {}) => {
      const flags = [
        ...form.nodeFlags,
        ...nodeFlags,
        form.main,
        ...['--source', `manifests:${join(plugin.kubeletDirectory, '../manifests')}`],
        ...['--node-name', plugin.name],
        ...['--kubelet-dir', plugin.kubeletDirectory],
        ...['--state-dir', stateDirectory],
        ...['--cni-socket', cniSocketOf(plugin.kubeletDirectory)],
        ...['--settle', settle],
      ];
      running = runNode(`node plugin, ${form.name}`, flags, form.environment);
      return running;
    },
    offers: (expected) => Promise.race([plugin.offers(expected), failAtEnd(running)]),
    runNode: (...args) => runNode('bare Node.js', args),
    dial: (resource) => dialResource(plugin, resource),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Never resolves; what the process said last is the reason. */
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

/** What the schema of a policy allows. */
const largestQuantity = 4_096;

const limits = { timeoutMs: 30_000 };
