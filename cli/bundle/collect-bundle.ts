// SPDX-License-Identifier: Apache-2.0
import { stringify } from 'yaml';
import type { ApiObject } from '../../cluster/api/api-object.ts';
import packageFile from '../../package.json' with { type: 'json' };
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import type { Progress } from '../output/progress.ts';
import { planSnapshot } from '../plan/plan-snapshot.ts';
import { renderPlans } from '../plan/render-plans.ts';
import { buildStatus } from '../status/build-status.ts';
import { readStatusFacts } from '../status/read-status-facts.ts';
import { renderStatus } from '../status/render-status.ts';
import { ownLabels } from '../view/plugin-labels.ts';
import type { ObjectQuery, View } from '../view/view.ts';
import { collectLogs } from './collect-logs.ts';
import {
  isMacvtapNetwork,
  isOwnEvent,
  keepEvent,
  keepNode,
  keepOwn,
  keepWebhooks,
  keepWorkload,
} from './keep-fields.ts';
import { redact } from './redact.ts';

/** A file of a bundle; nothing in it looks like a secret. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** Of each file: what is longer breaks off, and says so. */
const longest = 8 * 1024 * 1024;

/**
 * Everything that somebody who helps wants to see. A part that cannot be read does not keep the others from being taken;
 * `notes.txt` tells of it.
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
    const isCut = clean.length > longest;
    if (isCut) notes.push(`${name}: cut after ${longest} of ${clean.length} characters`);
    files.push({ name, text: isCut ? clean.slice(0, longest) : clean });
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
  await list('events.yaml', { kind: 'events' }, (event) =>
    isOwnEvent(event, namespace) ? keepEvent(event) : undefined,
  );
  for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'] as const) {
    await list(`${kind}.yaml`, { kind, labels: ownLabels }, keepWebhooks);
  }
  for (const kind of ['daemonsets', 'deployments'] as const) {
    await list(`${kind}.yaml`, { kind, namespace, labels: ownLabels }, keepWorkload);
  }
  const pods = await list('pods.yaml', { kind: 'pods', namespace, labels: ownLabels }, keepWorkload);

  const { plans, faults } = planSnapshot(view, exposure, undefined);
  add('plans.txt', `${renderPlans(plans, 'table')}\n`);
  add('plans.yaml', `${renderPlans(plans, 'yaml')}\n`);
  add('explicit-configuration.json', `${JSON.stringify(view.snapshot.explicit ?? null, null, 2)}\n`);
  const plain = { paint: (_: unknown, text: string) => text, width: undefined };
  add('status.txt', `${renderStatus(buildStatus(await readStatusFacts(view)), plain)}\n`);
  add('versions.yaml', stringify(await readVersions(view)));
  for (const { name, text } of await collectLogs(view, pods, progress, notes)) add(name, text);

  notes.push(
    ...view.missing.map(({ what, message }) => `${what}: not read: ${message}`),
    ...[...view.faults.map(({ where, message }) => `${where}: ${message}`), ...faults],
  );
  add('notes.txt', notes.length === 0 ? 'everything was read\n' : `${notes.join('\n')}\n`);
  return files;
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
