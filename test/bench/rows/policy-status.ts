// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import type { PolicyStatus } from '../../../policy/status/decide-status.ts';
import { type ControlPlane, startControlPlane } from '../../apiserver/control-plane.ts';
import { install, installationNamespace } from '../../apiserver/install.ts';
import { type RunningWebhook, startWebhook } from '../../apiserver/start-webhook.ts';
import { startProcess } from '../../process/start-process.ts';
import { until } from '../../process/until.ts';
import { type PlayedNodes, playNodes } from '../../scale/play-nodes.ts';
import { statusWrites } from '../../scale/status-writes.ts';
import { type Figure, measurement } from '../figure.ts';
import { processorMs } from '../processor-ms.ts';
import { bundledForm } from '../program-form.ts';
import { residentBytes } from '../resident-bytes.ts';
import type { BenchRow } from '../row.ts';

const nodeCount = 5_000;
const edits = 3;
const guardMs = 300_000;
/**
 * The pause between edits. It is longer than the longest gap between two writes
 * (cluster/report/leader/write-policy-statuses.ts), so the status of the policy has settled before each edit.
 */
const quietMs = 40_000;
const collection = `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${installationNamespace}/macvtapnetworknodepolicies`;
const policy = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'bonds' },
  spec: {
    parentSelector: [{ parentIface: 'bond1' }],
    nodeSelector: { matchExpressions: [{ key: 'rack', operator: 'Exists' }] },
  },
};

/** The cost of one edit of a policy. All times are in milliseconds. */
interface Edit {
  readonly writes: number;
  /** From the edit to the last write of the status. */
  readonly lastMs: number;
  readonly reportMs: number;
  readonly processorMs: number;
}

/**
 * Measures the cost of a policy's status when 5,000 nodes apply the policy, on a real API server. kwok plays the nodes'
 * kubelets. The bench plays their plugins, which report as fast as the server permits. The webhook is bundled. Its
 * memory is compared with that of a Node.js of the same version that only keeps a timer.
 */
export const policyStatus: BenchRow = {
  name: 'policy-status',
  needsRoot: false,
  async measure(report) {
    await using bundled = await bundledForm('webhook');
    await using cluster = await startControlPlane();
    await install(cluster);
    report(`${nodeCount} nodes exist`);
    const nodes = await playNodes(cluster, nodeCount);
    await cluster.admin.must('POST', collection, { body: policy });
    await nodes.report();
    await using webhook = await startWebhook(cluster, {
      program: [...bundled.nodeFlags, bundled.main],
      environment: bundled.environment,
    });
    await untilStatus(cluster, (status) => status.exposingNodes === nodeCount);
    await sleep(quietMs);
    const resident = await residentBytes(webhook.process.pid);
    const measured: Edit[] = [];
    for (let edit = 1; edit <= edits; edit += 1) {
      report(`edit ${edit} of ${edits}`);
      measured.push(await measureEdit(cluster, nodes, webhook, edit));
    }
    const after = await residentBytes(webhook.process.pid);
    const of = (read: (edit: Edit) => number) => measurement(measured.map(read), 0.5);
    const title = `status of a policy that ${nodeCount.toLocaleString('en-US')} nodes apply`;
    const bare = { title: 'bare Node.js with a timer', value: await bareBytes(), count: 1 };
    return [
      { title: `${title}: writes per edit`, unit: 'writes', ...of(({ writes }) => writes), reach: { valueAtMost: 10 } },
      {
        title: `${title}: edit to last write`,
        unit: 'ms',
        ...of(({ lastMs }) => lastMs),
        reach: { valueAtMost: 30_000 },
        beside: { title: 'all nodes report', ...of(({ reportMs }) => reportMs) },
      },
      { title: `${title}: processor time`, unit: 'ms', ...of((edit) => edit.processorMs) },
      ...[['before', resident] as const, ['after', after] as const].map(
        ([when, value]): Figure => ({
          title: `webhook's resident memory, holder of the Lease, bundled, 5,000 nodes, ${when} ${edits} edits`,
          unit: 'bytes',
          value,
          count: 1,
          beside: bare,
          reach: { ratioAtMost: 2.5 },
        }),
      ),
    ];
  },
};

async function measureEdit(
  cluster: ControlPlane,
  nodes: PlayedNodes,
  { process }: RunningWebhook,
  edit: number,
): Promise<Edit> {
  const before = { written: statusWrites(process, policyID).length, processorMs: await processorMs(process.pid) };
  const editedMs = Date.now();
  await cluster.admin.must('PATCH', `${collection}/bonds`, {
    body: { spec: { priority: edit } },
    contentType: 'application/merge-patch+json',
  });
  const begun = performance.now();
  await nodes.report();
  const reportMs = performance.now() - begun;
  await untilStatus(cluster, (status) => status.observedGeneration === edit + 1 && status.exposingNodes === nodeCount);
  const used = (await processorMs(process.pid)) - before.processorMs;
  await sleep(quietMs);
  const written = statusWrites(process, policyID).slice(before.written);
  const lastMs = (written.at(-1) ?? Number.POSITIVE_INFINITY) - editedMs;
  return { writes: written.length, lastMs, reportMs, processorMs: used };
}

const policyID = `${installationNamespace}/bonds`;

async function untilStatus(cluster: ControlPlane, isWanted: (status: PolicyStatus) => boolean): Promise<void> {
  await until(
    async () => (await cluster.admin.must<{ status?: PolicyStatus }>('GET', `${collection}/bonds`)).status ?? {},
    isWanted,
    guardMs,
  );
}

async function bareBytes(): Promise<number> {
  await using bare = startProcess({
    name: 'bare Node.js',
    command: [process.execPath, '-e', 'setInterval(() => {}, 1e9)'],
  });
  await sleep(1_000);
  return await residentBytes(bare.pid);
}
