// SPDX-License-Identifier: Apache-2.0
// Tests which namespaces may use a resource, for any order of pods, policies, and labels. Uses the real scheduler,
// kubelet, and Multus. The namespace `default` is not admitted at first.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { makeAsker } from '../control-plane/ask-why.ts';
import { until } from '../process/until.ts';
import { busyboxImage } from './images/build-images.ts';
import { findNodePlugin } from './install/node-plugin-pod.ts';
import { installationNamespace } from './install/release.ts';
import { killContainer } from './kill-container.ts';
import { clusterFolder } from './layout.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, isReady, type Pod, podObject, readPod, untilPodReady } from './pods.ts';
import { readAllocatable } from './resources.ts';
import { type PodTap, readPodTap } from './taps.ts';

// `Warn` lets the tests create a network before its resource.
const cluster = await macvtapClusterOfFile({ webhook: { unknownResource: 'Warn' } });
const asker = await makeAsker(cluster.kubeconfig, clusterFolder);
const guardMs = 120_000;
const group = 'macvtap.network.kubevirt.io';
const limits = { [`${group}/early`]: '1' };
const networksKey = 'k8s.v1.cni.cncf.io/networks';

/**
 * Returns a policy that offers `early` on h1 to the namespaces of a team. The quantity shows which edit the node has
 * applied.
 */
const policy = (team: string, quantity: number) => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'early', namespace: installationNamespace },
  spec: {
    parentSelector: [{ parentIface: 'eth1', resourceName: 'early', quantity }],
    nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'h1' } },
    namespaceSelector: { matchLabels: { team } },
  },
});

const network = (namespace: string) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'early', namespace, annotations: { 'k8s.v1.cni.cncf.io/resourceName': `${group}/early` } },
  spec: { config: JSON.stringify({ cniVersion: '1.0.0', name: 'early', type: 'macvtap' }) },
});

/** Returns a pod with these annotations, and with additional fields in its spec. */
function podWith(name: string, annotations: Readonly<Record<string, string>>, spec: object = {}): object {
  const pod = podObject({ name }) as { readonly metadata: object; readonly spec: object };
  return { ...pod, metadata: { ...pod.metadata, annotations }, spec: { ...pod.spec, ...spec } };
}

const container = (name: string, resources: object) => ({
  ...{ name, image: busyboxImage, imagePullPolicy: 'Never', resources },
  command: ['/bin/sh', '-c', name === 'init' ? 'true' : 'exec sleep infinity'],
});

const withLimits = { containers: [container('compute', { limits })] };
const early = {
  limits: podWith('limits', {}, withLimits),
  network: podWith('network', { [networksKey]: 'early' }),
  both: podWith('both', { [networksKey]: 'early' }, withLimits),
  init: podWith('init', { [networksKey]: 'early' }, { initContainers: [container('init', { limits })] }),
  default: podWith('default', { 'v1.multus-cni.io/default-network': 'early' }, withLimits),
};

async function apply(team: string, quantity: number): Promise<void> {
  await cluster.apply([policy(team, quantity)]);
  await until(
    async () => (await readAllocatable(cluster)).h1?.early,
    (count) => count === quantity,
    guardMs,
  );
}

/** Resolves when an event of the pod matches. */
async function untilEvent(pod: string, pattern: RegExp): Promise<string> {
  const fields = `involvedObject.kind=Pod,involvedObject.name=${pod}`;
  return await until(
    () => cluster.mustKubectl(['get', 'events', `--field-selector=${fields}`, '-o', 'jsonpath={.items[*].message}']),
    (messages) => pattern.test(messages),
    guardMs,
  );
}

const refused = (pod: string) =>
  untilEvent(pod, new RegExp(`pod default/${pod} may not use resource early: policy macvtap-cni/early admits only`));

/** Returns the macvtaps in the host network namespace of h1 that are up. */
async function linksUp(): Promise<readonly string[]> {
  const links = JSON.parse(await cluster.run('h1', 'ip', '-json', 'link', 'show', 'type', 'macvtap')) as readonly {
    readonly ifname?: string;
    readonly flags?: readonly string[];
  }[];
  return links.flatMap(({ ifname, flags }) => (ifname !== undefined && flags?.includes('UP') ? [ifname] : []));
}

/** Returns the device that kubelet gave a pod. */
async function deviceOf({ metadata }: Pod): Promise<string> {
  const file = '/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint';
  const { Data } = JSON.parse(await cluster.run('h1', 'cat', file)) as {
    readonly Data: {
      readonly PodDeviceEntries: readonly {
        readonly PodUID: string;
        readonly DeviceIDs: Readonly<Record<string, readonly string[]>>;
      }[];
    };
  };
  const entry = Data.PodDeviceEntries.find(({ PodUID }) => PodUID === metadata.uid);
  return Object.values(entry?.DeviceIDs ?? {})[0]?.[0] ?? assert.fail(`pod ${metadata.name} has no device`);
}

/**
 * Calls the CNI plugin on h1 directly, because Multus itself would first need the API server. Returns the error or
 * `attached`.
 */
async function addByHand(pod: Pod, deviceID: string): Promise<string> {
  const conf = JSON.stringify({ cniVersion: '1.0.0', name: 'early', type: 'macvtap', deviceID });
  const args = `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod.metadata.name};K8S_POD_UID=${pod.metadata.uid}`;
  const variables = `CNI_CONTAINERID=by-hand CNI_NETNS=/run/netns/by-hand CNI_IFNAME=net1 CNI_ARGS='${args}' CNI_PATH=/opt/cni/bin`;
  const call = (command: string) =>
    `echo '${conf}' | env CNI_COMMAND=${command} ${variables} /opt/cni/bin/macvtap || true`;
  const script = `ip netns add by-hand\n${call('ADD')}\n${call('DEL')} >/dev/null\nip netns delete by-hand`;
  const answer = JSON.parse(await cluster.run('h1', 'sh', '-c', script));
  return answer.details ?? 'attached';
}

describe('pods that were created before their resource, in a namespace that the policy does not admit', () => {
  before(async () => {
    await cluster.apply(['default', 'kube-system'].map(network));
    await cluster.apply(Object.values(early));
    for (const name of Object.keys(early)) {
      await until(
        () => readPod(cluster, name),
        ({ status }) => status.conditions?.some(({ message }) => message?.includes('Insufficient')) === true,
        guardMs,
      );
    }
    await apply('a', 10);
  });

  for (const name of Object.keys(early)) {
    it(`get a device, but are not attached: ${name}`, async () => void (await refused(name)));
  }

  it('have no link that is up, and no running container', async () => {
    assert.deepEqual(await linksUp(), []);
    for (const name of Object.keys(early)) {
      const { spec, status } = await readPod(cluster, name);
      assert.equal(spec.nodeName, 'h1');
      assert.deepEqual([status.phase, status.containerStatuses?.[0]?.started], ['Pending', false], name);
    }
  });

  it('are explained by `why`, and start after its fix was applied', async () => {
    for (const name of ['limits', 'both', 'init', 'default']) await deletePod(cluster, name);
    const { causes } = await asker.report('pod/network');
    assert.equal(causes[0]?.code, 'NamespaceNotAdmitted');
    for (const line of causes[0].fix.commands) await asker.copy(line);
    await untilPodReady(cluster, 'network');
  });
});

describe('a running pod whose namespace is no longer admitted', () => {
  let tap: PodTap;

  const untilRestarted = async (times: number) => {
    await until(
      () => readPod(cluster, 'network'),
      (pod) => (pod.status.containerStatuses?.[0]?.restartCount ?? 0) >= times && isReady(pod),
      guardMs,
    );
    const { path, mac, ifindex } = await readPodTap(cluster, 'network');
    assert.deepEqual([path, mac, ifindex], [tap.path, tap.mac, tap.ifindex]);
  };

  before(async () => {
    tap = await readPodTap(cluster, 'network');
    // The pod is created while its namespace is admitted, and scheduled when it no longer is.
    await cluster.apply([podWith('next', { [networksKey]: 'early' }, { nodeSelector: { late: 'true' } })]);
    await apply('z', 11);
  });

  it('keeps its link, also when its container is restarted', async () => {
    await killContainer(cluster, 'h1', { pod: 'network', container: 'compute' });
    await untilRestarted(1);
  });

  it('is the last one: an existing pod is refused on the node, and a new one by the webhook', async () => {
    await cluster.mustKubectl(['label', 'node', 'h1', 'late=true']);
    await refused('next');
    const { code, stderr } = await cluster.kubectl(['create', '-f', '-'], JSON.stringify(early.limits));
    assert.equal(code, 1);
    assert.match(stderr, /NamespaceNotAdmitted/);
    assert.deepEqual(await linksUp(), []);
  });

  it('starts again while the API server is down, and no other pod is attached', async () => {
    const [running, next] = [await readPod(cluster, 'network'), await readPod(cluster, 'next')];
    const [own, others] = [await deviceOf(running), await deviceOf(next)];
    const plugin = await findNodePlugin(cluster, 'h1');
    await cluster.stopApiServer();
    await until(
      () => cluster.nodePluginLog('h1'),
      (log) => log.includes('the source is out of reach'),
      guardMs,
    );
    await killContainer(cluster, 'h1', { pod: 'network' });
    await until(
      async () => existsSync(tap.path),
      (exists) => !exists,
      guardMs,
    );
    // The plugin drops the cached namespace within seconds.
    await until(
      () => addByHand(next, others),
      (answer) => answer === 'NamespaceUnknown',
      guardMs,
    );
    assert.equal(await addByHand(running, own), 'attached');
    await killContainer(cluster, 'h1', { pod: plugin.name, container: 'nodeplugin' });
    await until(
      () => addByHand(next, others),
      (answer) => answer === 'PlanUnknown',
      guardMs,
    );
    assert.equal(await addByHand(running, own), 'attached');
    await cluster.startApiServer();
    await cluster.untilReady();
    await untilRestarted(2);
  });
});
