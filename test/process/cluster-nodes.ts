// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StandInApiServer, startApiServer } from '../apiserver-standin/start-api-server.ts';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { nodeObject, policyObject } from './plugin-node.ts';
import { kubeconfigFor, reachFromNamespace } from './reach-from-namespace.ts';
import { makeShimNode, podNamespace } from './shim-node.ts';
import type { RunningProcess } from './start-process.ts';

const quantity = 4;

/** Starts a stand-in for an API server that has the policy of `net` on p0. */
export async function startServer() {
  const server = await startApiServer();
  const entry = { parentIface: 'p0', resourceName: 'net', mode: 'bridge', quantity };
  put(server, policyObject('p', { parentSelector: [entry] }));
  put(server, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } });
  return server;
}

export const put = (server: StandInApiServer, object: object) => server.store.put(object as never);

/**
 * Creates a pod that is owned by a virtual machine or a StatefulSet, or has no owner. Returns the facts that CNI gets
 * about the pod.
 */
export function createPod(
  server: StandInApiServer,
  name: string,
  owner?: readonly [apiVersion: string, kind: string, name: string],
  metadata: object = {},
) {
  const [apiVersion, kind, ownerName] = owner ?? [];
  const ownerReferences =
    owner === undefined ? [] : [{ apiVersion, kind, name: ownerName, uid: `${kind}-${ownerName}`, controller: true }];
  const { uid } = put(server, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: podNamespace, ownerReferences, ...metadata },
  }).metadata;
  return { pod: name, podUID: uid };
}

export const machine = (name: string) => ['kubevirt.io/v1', 'VirtualMachineInstance', name] as const;

/** Starts a node with its node plugin. Its pods get their devices and links in one step. */
export async function startNode(server: StandInApiServer, startFrom: 'cluster' | 'manifests' = 'cluster') {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await makeShimNode({ quantity }));
  put(server, nodeObject(node.name, {}));
  const reach = undo.use(await reachFromNamespace(node.namespace, Number(new URL(server.url).port)));
  const kubeconfig = join(node.kubeletDirectory, 'kubeconfig');
  await writeFile(
    kubeconfig,
    kubeconfigFor(`http://${reach.host}:${reach.port}`, { 'insecure-skip-tls-verify': true }),
  );
  const run = async (source: typeof startFrom): Promise<RunningProcess> => {
    const plugin = node.run(...(source === 'cluster' ? ['--source', 'cluster', '--kubeconfig', kubeconfig] : []));
    await node.offers({ net: quantity });
    return plugin;
  };
  let plugin = await run(startFrom);
  const scope = undo.move();
  const addTo = async (id: string, about: ReturnType<typeof createPod>, conf: object = {}) => {
    const namespace = scope.use(await makeNetworkNamespace());
    const call = { ...about, containerID: `${about.pod}-${namespace.name}`, netns: namespace.path };
    const answer = await node.call('ADD', { ...call, conf: { deviceID: id, ...conf } });
    return { answer, namespace, call: { ...call, conf: { deviceID: id } } };
  };
  return {
    name: node.name,
    namespace: node.namespace,
    get plugin() {
      return plugin;
    },
    reach,
    /** Restarts the node plugin with the objects of the API server. */
    async restart() {
      plugin.signal('SIGKILL');
      await plugin.exit;
      await node.isGone('net');
      plugin = await run('cluster');
    },
    async start(about: ReturnType<typeof createPod>, conf: object = {}) {
      const { id } = await node.admit(about.pod);
      return { id, ...(await addTo(id, about, conf)) };
    },
    addTo,
    async check(call: Parameters<typeof node.call>[1]) {
      const { exitCode, output } = await node.call('CHECK', call);
      assert.equal(exitCode, 0, JSON.stringify(output));
    },
    async remove(call: Parameters<typeof node.call>[1]) {
      assert.equal((await node.call('DEL', call)).exitCode, 0);
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
