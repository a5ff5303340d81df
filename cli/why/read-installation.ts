// SPDX-License-Identifier: Apache-2.0
import type { WhyFacts } from '../../policy/why/why-facts.ts';
import { pluginLabels } from '../view/plugin-labels.ts';
import type { View } from '../view/view.ts';
import { numberIn } from './fields.ts';
import { readAuthorities } from './read-authorities.ts';
import { readPlugin } from './read-plugin.ts';

const pluginName = 'kube-macvtap-nodeplugin';
const webhookName = 'kube-macvtap-webhook';
const configurationName = 'webhook.macvtap.network.kubevirt.io';

/** How our own parts stand: the names are the chart's. What is not among files is not known to be absent. */
export async function readInstallation(view: View): Promise<Pick<WhyFacts, 'plugin' | 'webhook' | 'authorities'>> {
  const [plugin, webhook, authorities] = await Promise.all([pluginOf(view), webhookOf(view), authoritiesOf(view)]);
  return { plugin, webhook, authorities };
}

async function pluginOf({ list, client, policyNamespace: namespace }: View): Promise<WhyFacts['plugin']> {
  const daemonSets = await list({ kind: 'daemonsets', namespace, name: pluginName });
  const [daemonSet] = daemonSets ?? [];
  if (daemonSet === undefined) return daemonSets === undefined || client === undefined ? undefined : 'absent';
  const pods = await list({ kind: 'pods', namespace, labels: pluginLabels });
  // A DaemonSet as it is applied has no pods yet.
  if (pods === undefined || (client === undefined && pods.length === 0)) return undefined;
  return readPlugin(daemonSet, pods);
}

async function webhookOf({ list, client, policyNamespace: namespace }: View): Promise<WhyFacts['webhook']> {
  const deployments = await list({ kind: 'deployments', namespace, name: webhookName });
  const [deployment] = deployments ?? [];
  if (deployment === undefined) return deployments === undefined || client === undefined ? undefined : 'absent';
  if (client === undefined && deployment.status === undefined) return undefined;
  return {
    replicas: numberIn(deployment, 'spec', 'replicas'),
    ready: numberIn(deployment, 'status', 'readyReplicas'),
  };
}

async function authoritiesOf({ list, client }: View): Promise<WhyFacts['authorities']> {
  const kinds = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'] as const;
  const lists = await Promise.all(kinds.map((kind) => list({ kind, name: configurationName })));
  const read = lists.filter((one) => one !== undefined);
  const isUnknown = client === undefined ? read.flat().length === 0 : read.length === 0;
  return isUnknown ? undefined : readAuthorities(read.flat());
}
