// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, makeApiClient } from '../control-plane/api-client.ts';
import { type KubectlEnding, runKubectl } from '../control-plane/run-kubectl.ts';
import { until } from '../process/until.ts';
import { readClusterRecord, readNodePlans } from './cluster-record.ts';
import { apiServerUrl, clusterFolder, mostNodes, type NodePlan, type NodeSpec, nodeFolder, paths } from './layout.ts';
import {
  plugCard,
  rebootMachine,
  removeMachine,
  restartMachineKubelet,
  setCarrier,
  startMachine,
  unplugCard,
} from './machine/start-machine.ts';
import { inNode } from './node/make-node-host.ts';
import { kubeletProcess, restartNode, startKubelet, startNode } from './node/start-node.ts';
import { switchOff } from './node/switch-off.ts';
import { run } from './run.ts';
import { apiServerProcess, startApiServer } from './start-control-plane.ts';
import { stopDaemon } from './start-daemon.ts';

/** A running cluster. Disposing of it closes connections to it, and leaves the cluster up. */
export interface Cluster extends AsyncDisposable {
  readonly server: string;
  readonly kubeconfig: string;
  readonly admin: ApiClient;
  /** Runs kubectl as an administrator, or with another kubeconfig by `--kubeconfig`. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlEnding>;
  /** Runs a kubectl command that must succeed. Returns its output; rejects with its errors. */
  mustKubectl(args: readonly string[], stdin?: string): Promise<string>;
  apply(objects: readonly object[]): Promise<string>;
  nodes(): Promise<readonly NodePlan[]>;
  addNode(spec: NodeSpec, print?: (line: string) => void): Promise<void>;
  /** Removes a node as if its machine were switched off, and then deletes its Node. */
  removeNode(name: string): Promise<void>;
  /**
   * Reboots a node, whose programs then start again from its disk. A node that is a virtual machine first ends its
   * programs, unless `powerCut` is set. A node of namespaces always ends as if its power were cut, and gets a new
   * network namespace.
   */
  rebootNode(name: string, options?: { readonly powerCut?: boolean }): Promise<void>;
  /** Takes a network card out of a node that is a virtual machine. Resolves when the guest has released the card. */
  unplug(node: string, card: string): Promise<void>;
  /** Puts the card back. The machine notices it some time later. */
  plug(node: string, card: string): Promise<void>;
  /** Pulls the cable out of a card of a machine, or puts it in. */
  setCarrier(node: string, card: string, up: boolean): Promise<void>;
  /** Stops the API server. Until it starts again, only functions that do not call it work, such as `run`. */
  stopApiServer(): Promise<void>;
  /** Starts the API server again with the data in etcd, and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Restarts a node's kubelet, while its containers keep running. */
  restartKubelet(name: string): Promise<void>;
  /** Resolves when every node of the cluster is Ready, and pods can be created. */
  untilReady(): Promise<void>;
  /** Runs a program in a node's namespaces, and returns its output. */
  run(node: string, ...command: readonly [string, ...string[]]): Promise<string>;
}

/** The kubectl that was linked when the cluster was brought up. This process may use another version of Kubernetes. */
const builtKubectl = join(paths.programs, 'kubectl');

/**
 * How long to wait for nodes to be Ready, which takes 10 s on an idle machine. `machineGuardMs` is for clusters with
 * virtual machines, which take a minute.
 */
const readyGuardMs = 180_000;
const machineGuardMs = 900_000;

/** Opens the running cluster. Raises an error if there is none. */
export async function openCluster(): Promise<Cluster> {
  const record = await readClusterRecord();
  const admin = makeApiClient(apiServerUrl, record.ca, record.adminToken);
  const kubectl = (args: readonly string[], stdin?: string) =>
    runKubectl({ kubeconfig: paths.kubeconfig, home: clusterFolder, program: builtKubectl }, args, stdin);
  const mustKubectl = async (args: readonly string[], stdin?: string) => {
    const { code, stdout, stderr } = await kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    server: apiServerUrl,
    kubeconfig: paths.kubeconfig,
    admin,
    kubectl,
    mustKubectl,
    apply: (objects) =>
      mustKubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n')),
    nodes: readNodePlans,
    async addNode(spec, print = () => {}) {
      const plans = await readNodePlans();
      const plan = numbered(spec, plans);
      if (plan.machine === undefined) await startNode(record, plan, plans);
      else await startMachine(record, plan, plans, print);
    },
    async removeNode(name) {
      const { plan, others } = await findPlan(name);
      if (plan.machine === undefined) await switchOff(plan, others);
      else await removeMachine(plan, others);
      await rm(nodeFolder(name), { recursive: true, force: true });
      await mustKubectl(['delete', 'node', name, '--ignore-not-found']);
    },
    async rebootNode(name, { powerCut = false } = {}) {
      const { plan, others } = await findPlan(name);
      if (plan.machine !== undefined) {
        const boot = await rebootMachine(plan, others, powerCut);
        // Until kubelet reports the new boot, the API server shows the node's status from before the reboot.
        return await untilBooted(admin, name, boot);
      }
      await switchOff(plan, others);
      await restartNode(record, plan, others);
    },
    unplug: async (node, card) => await unplugCard(await findMachine(node), card),
    plug: async (node, card) => await plugCard(await findMachine(node), card),
    setCarrier: async (node, card, up) => await setCarrier(await findMachine(node), card, up),
    // By itself, the API server would wait until all watching clients have disconnected. The tests need them cut off.
    stopApiServer: () => stopDaemon(apiServerProcess, 1_000),
    startApiServer: () => startApiServer(record),
    async restartKubelet(name) {
      const { plan } = await findPlan(name);
      if (plan.machine !== undefined) return await restartMachineKubelet(plan);
      await stopDaemon(kubeletProcess(name));
      await startKubelet(plan);
    },
    async untilReady() {
      const plans = await readNodePlans();
      const wanted = plans.map(({ name }) => name).toSorted();
      await until(
        () => readyNodes(admin),
        (ready) => ready.join() === wanted.join(),
        plans.some(({ machine }) => machine !== undefined) ? machineGuardMs : readyGuardMs,
      );
      // Pods in the namespace are refused until a controller has created its service account.
      await until(
        async () => (await admin.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status,
        (status) => status === 200,
        readyGuardMs,
      );
    },
    run: async (node, ...command) => await run(...(await inNode(node, command))),
    [Symbol.asyncDispose]: async () => admin[Symbol.dispose](),
  };
}

async function findPlan(name: string): Promise<{ plan: NodePlan; others: readonly NodePlan[] }> {
  const plans = await readNodePlans();
  const plan = plans.find((one) => one.name === name);
  if (plan === undefined)
    throw new Error(`${name}: no such node; there are ${plans.map((one) => one.name).join(', ')}`);
  return { plan, others: plans.filter((one) => one !== plan) };
}

async function findMachine(name: string): Promise<NodePlan> {
  const { plan } = await findPlan(name);
  if (plan.machine === undefined) throw new Error(`${name} is not a machine: add one by node add NAME --machine`);
  return plan;
}

/** Returns a node's plan with the lowest unused number. */
function numbered(spec: NodeSpec, plans: readonly NodePlan[]): NodePlan {
  if (plans.some(({ name }) => name === spec.name)) throw new Error(`${spec.name}: this node exists already`);
  for (let number = 1; number <= mostNodes; number += 1) {
    if (!plans.some((plan) => plan.number === number)) return { ...spec, number };
  }
  throw new Error(`the cluster already has ${mostNodes} nodes, the largest possible number`);
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      readonly nodeInfo: { readonly bootID: string };
    };
  }[];
}

async function untilBooted(admin: ApiClient, node: string, boot: string): Promise<void> {
  const read = async () => await admin.must<NodeList['items'][number]>('GET', `/api/v1/nodes/${node}`);
  await until(read, ({ status }) => status.nodeInfo.bootID === boot, machineGuardMs);
}

async function readyNodes(admin: ApiClient): Promise<readonly string[]> {
  const { items } = await admin.must<NodeList>('GET', '/api/v1/nodes');
  return items
    .filter(({ status }) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
    .map(({ metadata }) => metadata.name)
    .toSorted();
}
