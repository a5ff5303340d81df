// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PolicyStatus } from '../../policy/status/decide-status.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace, makeNamespace, makeNode } from './install.ts';
import { exposing, writeNodeState } from './node-states.ts';
import { type RunningWebhook, startWebhook } from './start-webhook.ts';

// Two replicas of the webhook write the status of policies, which they compute from the nodes' states.
const cluster = await clusterOfFile();
for (const name of ['h1', 'h2']) await makeNode(cluster, name, { aware: 'true' });
await makeNode(cluster, 'h3');
await makeNamespace(cluster, 'tenant');

interface WrittenPolicy {
  readonly metadata: {
    readonly generation: number;
    readonly resourceVersion: string;
    readonly managedFields: readonly { readonly manager: string; readonly subresource?: string }[];
  };
  readonly spec: object;
  readonly status?: PolicyStatus;
}

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const policies = (namespace: string) => `/apis/${apiVersion}/namespaces/${namespace}/macvtapnetworknodepolicies`;
const own = policies(installationNamespace);
const policyObject = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name },
  spec: { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }], ...spec },
});
const aware = { nodeSelector: { matchLabels: { aware: 'true' } } };
const read = (name: string, collection = own) => cluster.admin.must<WrittenPolicy>('GET', `${collection}/${name}`);
const untilStatus = async (name: string, isWanted: (status: PolicyStatus) => boolean, collection = own) =>
  await until(
    () => read(name, collection),
    ({ status }) => status !== undefined && isWanted(status),
  );
const brief = ({ conditions = [] }: PolicyStatus) =>
  conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
const p = `${installationNamespace}/p`;
/** Longer than a status change waits until it is written (write-policy-statuses.ts). */
const turnMs = 3_000;

describe('the status of a policy', () => {
  let holder: RunningWebhook;
  let other: RunningWebhook;

  it("counts the missing reports, then shows the nodes' reports, and kubectl can wait for it", async () => {
    holder = cluster.use(await startWebhook(cluster));
    await holder.process.waitForLine(/"isHolder":true/);
    other = cluster.use(await startWebhook(cluster));
    await cluster.admin.must('POST', own, { body: policyObject('p', aware) });
    const { status: first } = await untilStatus('p', () => true);
    assert.deepEqual(brief(first ?? {}), [
      'Accepted True Valid',
      'Exposed Unknown Pending',
      'Conflicted Unknown Pending',
    ]);
    assert.deepEqual([first?.matchedNodes, first?.exposingNodes], [2, 0]);
    for (const node of ['h1', 'h2']) await writeNodeState(cluster, node, exposing(p, 1));
    const ref = `mvnnp/p -n ${installationNamespace}`.split(' ');
    await cluster.mustKubectl(['wait', ...ref, '--for=condition=Exposed', '--timeout=30s']);
    const { status, metadata } = await untilStatus('p', ({ exposingNodes }) => exposingNodes === 2);
    assert.deepEqual(brief(status ?? {}), [
      'Accepted True Valid',
      'Exposed True Exposing',
      'Conflicted False NoConflict',
    ]);
    assert.deepEqual(status?.entries, [{ index: 0, nodes: 2 }]);
    assert.deepEqual(
      metadata.managedFields.filter(({ subresource }) => subresource === 'status').map(({ manager }) => manager),
      ['kube-macvtap-status'],
    );
  });

  it('is not written again if nothing in it changed, whatever else nodes report', async () => {
    const { metadata } = await read('p');
    await writeNodeState(cluster, 'h1', exposing(p, 1, { held: 7 }));
    await sleep(turnMs);
    assert.equal((await read('p')).metadata.resourceVersion, metadata.resourceVersion);
  });

  it('is pending again after an edit, until nodes have reported the edited policy', async () => {
    const { status: before } = await read('p');
    await cluster.admin.must('PATCH', `${own}/p`, {
      body: { spec: { priority: 7 } },
      contentType: 'application/merge-patch+json',
    });
    await untilStatus(
      'p',
      (status) => status.observedGeneration === 2 && brief(status)[1] === 'Exposed Unknown Pending',
    );
    for (const node of ['h1', 'h2']) await writeNodeState(cluster, node, exposing(p, 2));
    const { status } = await untilStatus('p', ({ exposingNodes }) => exposingNodes === 2);
    const times = ({ conditions = [] }: PolicyStatus) => conditions.map((each) => each.lastTransitionTime);
    // The first condition, Accepted, was True all the time. The second one changed.
    assert.equal(times(status ?? {})[0], times(before ?? {})[0]);
    assert.notEqual(times(status ?? {})[1], times(before ?? {})[1]);
  });

  it('names the winning policy of a lost resource', async () => {
    await cluster.admin.must('POST', own, { body: policyObject('q', aware) });
    const status = exposing(p, 2);
    const lost = { name: 'q[0] net', policy: `${installationNamespace}/q`, entry: 0, by: p, code: 'ResourceNameTaken' };
    const observedPolicies = [
      ...(status.observedPolicies ?? []),
      { name: `${installationNamespace}/q`, generation: 1 },
    ];
    for (const node of ['h1', 'h2']) {
      await writeNodeState(cluster, node, { ...status, observedPolicies, conflicts: [lost] });
    }
    const { status: loser } = await untilStatus('q', (written) => /True/.test(brief(written)[2] ?? ''));
    assert.deepEqual(brief(loser ?? {}).slice(1), ['Exposed False LostToOthers', 'Conflicted True ResourceNameTaken']);
    assert.match(loser?.conditions?.[2]?.message ?? '', /macvtap-cni\/p on 2 nodes/);
    await cluster.admin.must('DELETE', `${own}/q`);
  });

  it('reports that a policy is in the wrong namespace, and the error of an invalid policy', async () => {
    await cluster.admin.must('POST', policies('tenant'), { body: policyObject('stray') });
    // The schema accepts the policy, and no webhook reviews it.
    const glob = { parentSelector: [{ nicSelector: { names: ['ens['] } }] };
    await cluster.admin.must('POST', own, { body: policyObject('broken', glob) });
    const { status: stray } = await untilStatus('stray', () => true, policies('tenant'));
    assert.deepEqual(brief(stray ?? {})[0], 'Accepted False PolicyOutsideNamespace');
    assert.equal(stray?.matchedNodes, 0);
    const { status: broken } = await untilStatus('broken', () => true);
    assert.equal(brief(broken ?? {})[0], 'Accepted False PolicyInvalid');
    assert.match(broken?.conditions?.[0]?.message ?? '', /names\[0\]: BadGlob: /);
    await cluster.admin.must('DELETE', `${own}/broken`);
  });

  it('is written by the other replica, once there is a change, after the Lease holder was killed', async () => {
    const { metadata } = await read('p');
    holder.process.signal('SIGKILL');
    await holder.process.exit;
    await other.process.waitForLine(/"isHolder":true/, 45_000);
    await sleep(turnMs);
    assert.equal((await read('p')).metadata.resourceVersion, metadata.resourceVersion);
    await writeNodeState(cluster, 'h2', { source: 'policy', observedPolicies: [{ name: p, generation: 2 }] });
    const { status } = await untilStatus('p', ({ exposingNodes }) => exposingNodes === 1);
    assert.equal(status?.matchedNodes, 2);
    await other.process.waitForLine(/"policy":"macvtap-cni\/p"/);
  });

  it('is written by the other replica at once when the Lease holder ends normally', async () => {
    const next = cluster.use(await startWebhook(cluster));
    await other.process.stop();
    await writeNodeState(cluster, 'h2', exposing(p, 2));
    await untilStatus('p', ({ exposingNodes }) => exposingNodes === 2);
    await next.process.waitForLine(/"policy":"macvtap-cni\/p"/);
  });

  it('is corrected after a manual change', async () => {
    await cluster.admin.must('PATCH', `${own}/p/status`, {
      body: { status: { matchedNodes: 77 } },
      contentType: 'application/merge-patch+json',
    });
    await untilStatus('p', ({ matchedNodes }) => matchedNodes === 2);
  });
});

describe("kubectl's table", () => {
  const widest = 120;
  const get = async (...args: readonly string[]) =>
    (await cluster.mustKubectl(['get', ...args]))
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd());
  const cells = (line: string | undefined) => line?.split(/ {2,}/);

  it('of policies shows how many nodes expose them, and whether they have errors', async () => {
    const name = `uplinks-of-the-${'virtual-'.repeat(2)}machines`.slice(0, 30);
    await cluster.admin.must('POST', own, {
      body: policyObject(name, { resourceName: 'dataplane-fast1', parentSelector: [{ parentIface: 'eth0' }] }),
    });
    await untilStatus(name, () => true);
    const [head, ...lines] = await get('mvnnp', '-n', installationNamespace);
    assert.deepEqual(cells(head), [
      'NAME',
      'PRIORITY',
      'RESOURCE',
      'MATCHED',
      'EXPOSING',
      'ACCEPTED',
      'CONFLICTED',
      'AGE',
    ]);
    const row = cells(lines.find((line) => line.startsWith('p ')));
    assert.deepEqual(row?.slice(0, -1), ['p', '7', '2', '2', 'True', 'False']);
    assert.deepEqual(cells(lines.find((line) => line.startsWith(name)))?.slice(0, -1), [
      name,
      '99',
      'dataplane-fast1',
      // The three nodes, and the node of the webhook replicas.
      '4',
      '0',
      'True',
      'Unknown',
    ]);
    const wide = await get('mvnnp', '-n', installationNamespace, '-o', 'wide');
    assert.equal(cells(wide.find((line) => line.startsWith('p ')))?.at(-2), 'Exposing');
    for (const line of [head, ...lines]) assert.ok((line ?? '').length <= widest, `${line}`);
  });

  it('of node states shows their resources, held devices and problems', async () => {
    const node = `worker-17.${'rack-4.'.repeat(4)}example`.slice(0, 45);
    await writeNodeState(cluster, 'h1', exposing(p, 2, { held: 12 }));
    await writeNodeState(cluster, node, {
      pluginVersion: '0.1.0',
      source: 'implicit',
      counts: { resources: 12, devices: 4_096, held: 1_000, unhealthy: 12 },
      troubles: [{ code: 'MacvtapUnsupported', message: 'no' }],
    });
    const [head, ...lines] = await get('mvnns');
    assert.deepEqual(cells(head), ['NAME', 'SOURCE', 'RESOURCES', 'HELD', 'UNHEALTHY', 'TROUBLE', 'AGE']);
    const row = (name: string, from = lines) => cells(from.find((line) => line.startsWith(`${name} `)));
    assert.deepEqual(row('h1')?.slice(0, -1), ['h1', 'policy', '1', '12', '0']);
    assert.deepEqual(row(node)?.slice(0, -1), [node, 'implicit', '12', '1000', '12', 'MacvtapUnsupported']);
    for (const line of [head, ...lines]) assert.ok((line ?? '').length <= widest, `${line}`);
    const wide = await get('mvnns', '-o', 'wide');
    assert.deepEqual(row(node, wide)?.slice(-3, -1), ['4096', '0.1.0']);
  });
});
