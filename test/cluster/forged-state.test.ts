// SPDX-License-Identifier: Apache-2.0
// An attacker on a node writes the worst state that the CRD allows, with the token of the node's real plugin.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeApiClient } from '../control-plane/api-client.ts';
import { nodeCentric } from '../demo/hosts.ts';
import { runProgram } from '../process/run-program.ts';
import { until } from '../process/until.ts';
import { readClusterRecord } from './cluster-record.ts';
import { findNodePlugin } from './install/node-plugin-pod.ts';
import { installationNamespace } from './install/release.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { type Pod, podObject } from './pods.ts';
import { untilAllocatable } from './resources.ts';
import { seedPolicy } from './seed-objects.ts';

const cluster = await macvtapClusterOfFile();
const guardMs = 180_000;
const kinds = '/apis/macvtap.network.kubevirt.io/v1alpha1';
const states = `${kinds}/macvtapnetworknodestates`;
const group = 'macvtap.network.kubevirt.io';
const namespacePath = `/api/v1/namespaces/${installationNamespace}`;
const merge = { contentType: 'application/merge-patch+json' } as const;
const tenant = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tenant' } };

/** As many interfaces as the CRD allows, each on top of the one before. The last one carries the node's own traffic. */
const longest = 4_096;
const forged = {
  status: {
    source: 'policy',
    interfaces: Array.from({ length: longest }, (_, i) => ({
      name: `f${i}`,
      altNames: [`forged-interface-${String(i).padStart(4, '0')}`],
      ifindex: i + 1,
      // The links on top of f0 are f1, f2 and so on. A check whether f0 carries the node's traffic must visit all of
      // them.
      ...(i > 0 && { lowerIfindex: i }),
    })),
    // The state also claims that all namespaces may use a resource that a policy restricts.
    resources: [
      {
        name: 'restricted',
        source: 'implicit',
        parent: 'f0',
        mode: 'bridge',
        quantity: 100,
        held: 0,
        health: 'Healthy',
      },
    ],
  },
};

const policy = (name: string, spec: object) => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name, namespace: installationNamespace },
  spec: { nodeSelector: { matchLabels: { macvtapAware: 'true' } }, ...spec },
});
const passthru = (name: string) =>
  policy(name, { priority: 1, parentSelector: [{ nicSelector: { names: ['f*'] }, mode: 'passthru' }] });

const macvtap = (...args: readonly string[]) =>
  runProgram('cli/kubectl-macvtap.ts', [...args, '--kubeconfig', cluster.kubeconfig]);

/** Returns the token that kubelet mounted into the plugin's pod. Root on the node can read it. */
async function stolenToken(node: string): Promise<string> {
  const { name } = await findNodePlugin(cluster, node);
  const { metadata } = await cluster.admin.must<Pod>('GET', `${namespacePath}/pods/${name}`);
  const volumes = `/var/lib/kubelet/pods/${metadata.uid}/volumes/kubernetes.io~projected`;
  return await cluster.run(node, 'sh', '-c', `cat ${volumes}/*/token`);
}

const thief = makeApiClient(cluster.server, (await readClusterRecord()).ca, (await stolenToken('h1')).trim());
after(() => thief[Symbol.dispose]());

/** Forges the state again and again, because the real plugin still runs and corrects it at each change. */
async function keepForging(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await thief.must('PATCH', `${states}/h1/status`, { body: forged, ...merge });
    await sleep(200);
  }
}

/** Resolves when the API server holds the forged state. */
async function untilForged(): Promise<void> {
  await until(
    async () => (await cluster.admin.must<typeof forged>('GET', `${states}/h1`)).status.interfaces.length,
    (count) => count === longest,
    guardMs,
  );
}

async function readyWebhooks(): Promise<number> {
  const query = new URLSearchParams({ labelSelector: 'app.kubernetes.io/component=webhook' });
  const { items } = await cluster.admin.must<{ items: readonly Pod[] }>('GET', `${namespacePath}/pods?${query}`);
  return items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
  ).length;
}

/** Returns how often the webhook's containers were restarted. */
async function restarts(): Promise<number> {
  const query = new URLSearchParams({ labelSelector: 'app.kubernetes.io/component=webhook' });
  const { items } = await cluster.admin.must<{ items: readonly Pod[] }>('GET', `${namespacePath}/pods?${query}`);
  return items.reduce((sum, { status }) => sum + (status.containerStatuses?.[0]?.restartCount ?? 0), 0);
}

/** Returns the error with which a pod that requests the resource is refused. Deletes the pod if it was admitted. */
async function refusalOf(namespace: string, resource: string): Promise<string> {
  const pod = podObject({ name: 'asks', limits: { [`${group}/${resource}`]: '1' } });
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { status, body } = await cluster.admin.call('POST', path, { body: pod });
  if (status === 201) await cluster.admin.must('DELETE', `${path}/asks?gracePeriodSeconds=0`);
  return status === 201 ? '' : (body as { message: string }).message;
}

describe("a state that an attacker forges with the token of the node's plugin", () => {
  const stop = new AbortController();
  let forging: Promise<void> | undefined;

  before(async () => {
    await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
    await untilAllocatable(cluster, nodeCentric);
    await cluster.apply([tenant, passthru('forged-passthru')]);
    await until(readyWebhooks, (count) => count === 2, guardMs);
    forging = keepForging(stop.signal);
    await untilForged();
  });

  after(async () => {
    stop.abort();
    await forging;
  });

  it('cannot be the state of another node', async () => {
    const { status, body } = await thief.call('PATCH', `${states}/h2/status`, { body: forged, ...merge });
    assert.equal(status, 403);
    assert.match((body as { message: string }).message, /own node/);
  });

  it('does not lift a restriction that is created afterwards: the tenant is refused, an admitted namespace is not', async () => {
    const restricted = policy('restricts', {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
      parentSelector: [{ parentIface: 'bond1', resourceName: 'restricted' }],
    });
    await untilForged();
    await cluster.apply([restricted]);
    await until(
      () => refusalOf('tenant', 'restricted'),
      (refusal) => refusal.includes('NamespaceNotAdmitted'),
      guardMs,
    );
    assert.equal(await refusalOf('default', 'restricted'), '');
  });

  it('does not prevent a passthru policy from being admitted', async () => {
    await untilForged();
    await cluster.apply([passthru('another-passthru')]);
    await cluster.mustKubectl(['delete', 'mvnnp', '-n', installationNamespace, 'another-passthru']);
  });

  it('does not make webhooks unready or restart', async () => {
    assert.deepEqual([await readyWebhooks(), await restarts()], [2, 0]);
  });

  it('does not prevent a new webhook from becoming ready and refusing the tenant', async () => {
    await untilForged();
    const deployment = ['deployment/kube-macvtap-webhook', `--namespace=${installationNamespace}`];
    await cluster.mustKubectl(['rollout', 'restart', ...deployment]);
    await until(
      async () => (await cluster.kubectl(['rollout', 'status', ...deployment, '--timeout=10s'])).code,
      (code) => code === 0,
      guardMs,
    );
    assert.deepEqual([await readyWebhooks(), await restarts()], [2, 0]);
    assert.match(await refusalOf('tenant', 'restricted'), /NamespaceNotAdmitted/);
  });

  for (const args of [['status'], ['plan'], ['why', 'node/h1']] as const) {
    it(`is reported by kubectl macvtap ${args.join(' ')}, which works for the other nodes`, async () => {
      await untilForged();
      const { code, stdout, stderr } = await until(
        () => macvtap(...args),
        (ended) => /h1.*left out|left out.*h1|NodeStateLeftOut/s.test(`${ended.stdout}${ended.stderr}`),
        guardMs,
      );
      assert.doesNotMatch(stderr, /RangeError|Unexpected/);
      assert.ok(code === 0 || code === 1, `${code}: ${stderr}`);
      if (args[0] !== 'why') assert.match(stdout, /^h2 .*bondedIface/m);
    });
  }

  it('causes an event on its Node, which names the state', async () => {
    const events = [
      'get',
      'events',
      '-A',
      '--field-selector=reason=NodeStateLeftOut',
      '-o',
      'jsonpath={.items[*].message}',
    ];
    await until(
      () => cluster.mustKubectl(events),
      (messages) => messages.includes('MacvtapNetworkNodeState h1 is left out: status.interfaces: 4096'),
      guardMs,
    );
  });
});
