// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { type ApiClient, makeApiClient } from '../control-plane/api-client.ts';
import { type KubectlEnding, runKubectl } from '../control-plane/run-kubectl.ts';
import { until } from '../process/until.ts';
import { readClusterRecord, readNodePlans } from './cluster-record.ts';
import { apiServerUrl, clusterFolder, mostNodes, type NodePlan, type NodeSpec, nodeFolder, paths } from './layout.ts';
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
  addNode(spec: NodeSpec): Promise<void>;
  /** Removes a node as if its machine were switched off, and then deletes its Node. */
  removeNode(name: string): Promise<void>;
  /** Reboots a node as if by its power button: programs start again with its disk, in a new network namespace. */
  rebootNode(name: string): Promise<void>;
  /** Stops the API server. Afterwards, only functions that need only a node still work. */
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

/** The longest wait for a node to be Ready. On an idle machine, it takes 10 s. */
const readyGuardMs = 180_000;

/** Opens the running cluster. Raises an error if there is none. */
export async function openCluster(): Promise<Cluster> {
  const record = await readClusterRecord();
  const admin = makeApiClient(apiServerUrl, record.ca, record.adminToken);
  const kubectl = (args: readonly string[], stdin?: string) =>
    runKubectl({ kubeconfig: paths.kubeconfig, home: clusterFolder }, args, stdin);
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
    async addNode(spec) {
      const plans = await readNodePlans();
      await startNode(record, numbered(spec, plans), plans);
    },
    async removeNode(name) {
      const { plan, others } = await findPlan(name);
      await switchOff(plan, others);
      await rm(nodeFolder(name), { recursive: true, force: true });
      await mustKubectl(['delete', 'node', name, '--ignore-not-found']);
    },
    async rebootNode(name) {
      const { plan, others } = await findPlan(name);
      await switchOff(plan, others);
      await restartNode(plan, others);
    },
    // Without a limit, the API server would wait for all watching clients. The tests need it to cut them off.
    stopApiServer: () => stopDaemon(apiServerProcess, 1_000),
    startApiServer: () => startApiServer(record),
    async restartKubelet(name) {
      const { plan } = await findPlan(name);
      await stopDaemon(kubeletProcess(name));
      await startKubelet(plan);
    },
    async untilReady() {
      const wanted = (await readNodePlans()).map(({ name }) => name).toSorted();
      await until(
        () => readyNodes(admin),
        (ready) => ready.join() === wanted.join(),
        readyGuardMs,
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
    readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

async function readyNodes(admin: ApiClient): Promise<readonly string[]> {
  const { items } = await admin.must<NodeList>('GET', '/api/v1/nodes');
  return items
    .filter(({ status }) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
    .map(({ metadata }) => metadata.name)
    .toSorted();
}
