// SPDX-License-Identifier: Apache-2.0

import { stringify } from 'yaml';
import { refused } from '../../cluster/api/api-errors.ts';
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { draDriver } from '../../policy/device/dra-names.ts';
import { isJsonObject } from '../../policy/json.ts';
import type { ImplicitExposure } from '../../policy/plan/plan-node.ts';
import { chartLabels } from '../../policy/why/suggested-commands.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Progress } from '../output/print.ts';
import { planSnapshot } from '../plan/plan-snapshot.ts';
import { renderPlans } from '../plan/render-plan.ts';
import { buildStatus } from '../status/build-status.ts';
import { renderStatus } from '../status/render-status.ts';
import { readStatusFacts } from '../status/status-facts.ts';
import type { MissingPart, ObjectQuery, View } from '../view/view.ts';
import {
  isMacvtapNetwork,
  isOwnEvent,
  keepClaim,
  keepEvent,
  keepNode,
  keepOwn,
  keepWebhooks,
  keepWorkload,
  redact,
} from './redact.ts';

/** A file in a bundle. Any text that looks like a secret has already been removed. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** The maximum number of characters in a file. A longer file is cut, and ends with a note. */
const maxFileLength = 8 * 1024 * 1024;

/**
 * Collects the facts for a bug report. If a part cannot be read, the others are still collected, and `notes.txt` lists
 * the missing part.
 */
export async function collectBundle(
  view: View,
  exposure: ImplicitExposure | undefined,
  progress: Progress,
): Promise<readonly BundleFile[]> {
  const namespace = view.policyNamespace;
  const files: BundleFile[] = [];
  const notes: string[] = [];
  const add = (name: string, text: string) => {
    const clean = redact(text);
    const isCut = clean.length > maxFileLength;
    if (isCut) notes.push(`${name}: cut after ${maxFileLength} of ${clean.length} characters`);
    files.push({ name, text: isCut ? clean.slice(0, maxFileLength) : clean });
  };
  const list = async (name: string, query: ObjectQuery, keep: (object: ApiObject) => object | undefined) => {
    const objects = (await view.list(query)) ?? [];
    add(
      name,
      stringify(
        objects.map(keep).filter((kept) => kept !== undefined),
        { aliasDuplicateObjects: false, lineWidth: 0 },
      ),
    );
    return objects;
  };
  await list('policies.yaml', { kind: 'macvtapnetworknodepolicies' }, keepOwn);
  await list('node-states.yaml', { kind: 'macvtapnetworknodestates' }, keepOwn);
  await list('networks.yaml', { kind: 'network-attachment-definitions' }, (object) =>
    isMacvtapNetwork(object) ? keepOwn(object) : undefined,
  );
  await list('nodes.yaml', { kind: 'nodes' }, keepNode);
  await list('resource-slices.yaml', { kind: 'resourceslices', fields: { 'spec.driver': draDriver } }, keepOwn);
  await list('device-classes.yaml', { kind: 'deviceclasses', labels: chartLabels }, keepOwn);
  await list('resource-claims.yaml', { kind: 'resourceclaims' }, keepClaim);
  for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'] as const) {
    await list(`${kind}.yaml`, { kind, labels: chartLabels }, keepWebhooks);
  }
  // If the workloads cannot be read, their events are still found by this default name.
  const workloads = ['kube-macvtap'];
  for (const kind of ['daemonsets', 'deployments'] as const) {
    const found = await list(`${kind}.yaml`, { kind, namespace, labels: chartLabels }, keepWorkload);
    workloads.push(...found.map(({ metadata }) => metadata.name));
  }
  await list('events.yaml', { kind: 'events' }, (event) =>
    isOwnEvent(event, namespace, workloads) ? keepEvent(event) : undefined,
  );
  const pods = await list('pods.yaml', { kind: 'pods', namespace, labels: chartLabels }, keepWorkload);

  const { plans, faults } = planSnapshot(view, exposure, undefined);
  add('plans.txt', `${renderPlans(plans, 'table')}\n`);
  add('plans.yaml', `${renderPlans(plans, 'yaml')}\n`);
  add('explicit-configuration.json', `${JSON.stringify(view.snapshot.explicit ?? null, null, 2)}\n`);
  const plain = { paint: (_: unknown, text: string) => text, width: undefined };
  add('status.txt', `${renderStatus(buildStatus(await readStatusFacts(view)), plain)}\n`);
  add('versions.yaml', stringify(await readVersions(view)));
  for (const { name, text } of await collectLogs(view, pods, progress, notes)) add(name, text);

  notes.push(
    ...view.missing.filter(isReportable).map(({ what, message }) => `${what}: not read: ${message}`),
    ...[...view.faults.map(({ where, message }) => `${where}: ${message}`), ...faults],
  );
  add('notes.txt', notes.length === 0 ? 'everything was read\n' : `${notes.join('\n')}\n`);
  return files;
}

/** Returns false for the kinds of dynamic resource allocation on a cluster without it. */
function isReportable({ what, isAbsent }: MissingPart): boolean {
  return !(isAbsent && ['ResourceSlices', 'DeviceClasses', 'ResourceClaims'].includes(what));
}

async function readVersions({ client, where, snapshot }: View): Promise<object> {
  const answer = await client?.request('GET', '/version').catch(() => undefined);
  return {
    kubectlMacvtap: packageFile.version,
    node: process.version,
    cluster: where,
    apiServer: answer?.status === 200 ? answer.body : 'not known',
    nodePlugins: Object.fromEntries(
      [...snapshot.nodeStates].map(([name, { status }]) => [name, status?.pluginVersion ?? 'not known']),
    ),
  };
}

/**
 * The maximum number of bytes of one container's log, and of all logs together. A cluster may have thousands of node
 * plugins.
 */
const bytesEach = 512 * 1024;
const bytesInAll = 32 * 1024 * 1024;

/**
 * Reads the last lines of the logs of kube-macvtap's pods, including the log of each container's previous run. Adds a
 * note for each failure.
 */
async function collectLogs(
  { client, policyNamespace }: View,
  pods: readonly ApiObject[],
  progress: Progress,
  notes: string[],
): Promise<readonly BundleFile[]> {
  const files: BundleFile[] = [];
  if (client === undefined) return files;
  using reading = progress.begin('reading logs');
  let bytes = 0;
  for (const [index, { metadata, status }] of pods.entries()) {
    reading.update(`reading logs: ${index + 1} of ${pods.length} pods`);
    const base = `/api/v1/namespaces/${encodeURIComponent(policyNamespace)}/pods/${encodeURIComponent(metadata.name)}/log`;
    for (const { container, previous } of runsOf(status)) {
      const name = `logs/${metadata.name}.${container}${previous ? '.previous' : ''}.log`.slice(0, 100);
      if (bytes > bytesInAll) {
        notes.push(`${name}: left out: all logs together are longer than ${bytesInAll} bytes`);
        continue;
      }
      const query = new URLSearchParams({
        container,
        previous: String(previous),
        tailLines: '5000',
        limitBytes: String(bytesEach),
      });
      const read = await readLog(client, `${base}?${query}`);
      if ('fault' in read) notes.push(`${name}: not read: ${read.fault}`);
      else files.push({ name, text: read.text });
      bytes += 'text' in read ? read.text.length : 0;
    }
  }
  return files;
}

function runsOf(status: unknown): readonly { container: string; previous: boolean }[] {
  const statuses = isJsonObject(status) && Array.isArray(status.containerStatuses) ? status.containerStatuses : [];
  return statuses.filter(isJsonObject).flatMap(({ name, restartCount }) => {
    const container = String(name);
    const now = { container, previous: false };
    return Number(restartCount) > 0 ? [now, { container, previous: true }] : [now];
  });
}

async function readLog(client: ApiClient, path: string): Promise<{ text: string } | { fault: string }> {
  try {
    const answer = await client.request('GET', path, undefined, { accept: '*/*', timeoutMs: 30_000 });
    if (answer.status !== 200) return { fault: refused('log', answer).message };
    return { text: typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? '') };
  } catch (thrown) {
    return { fault: MacvtapError.from(thrown).message };
  }
}
