// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { type ApiObject, keyOf } from '../../cluster/api/api-resource.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import type { PluginPod, PluginSummary, WhyFacts } from '../../policy/why/why-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import {
  argumentsOf,
  collectionPath,
  conditionStatus,
  flagIn,
  listIn,
  numberIn,
  pluginLabels,
  textIn,
  valueIn,
  webhookLabels,
} from '../view/objects.ts';
import type { MissingPart, ObjectQuery, View } from '../view/view.ts';
import { readScheduling } from './read-pod.ts';

const pluginName = 'kube-macvtap-nodeplugin';
const webhookName = 'kube-macvtap-webhook';
const configurationName = 'webhook.macvtap.network.kubevirt.io';

/** Returns the lists that show the state of an installation in every case. */
function queriesOf(namespace: string) {
  return {
    daemonSets: { kind: 'daemonsets', namespace, labels: pluginLabels },
    // readPlugin reads only the node in the spec.
    pods: { kind: 'pods', namespace, labels: pluginLabels, keep: withNodeName },
    deployments: { kind: 'deployments', namespace, labels: webhookLabels },
    mutating: { kind: 'mutatingwebhookconfigurations', name: configurationName },
    validating: { kind: 'validatingwebhookconfigurations', name: configurationName },
  } as const satisfies Readonly<Record<string, ObjectQuery>>;
}

function withNodeName(pod: ApiObject): ApiObject {
  return { ...pod, spec: { nodeName: valueIn(pod, 'spec', 'nodeName') } };
}

/** Returns the lists that `readInstallation` needs in any case. */
export function installationQueries(namespace: string): readonly ObjectQuery[] {
  return Object.values(queriesOf(namespace));
}

/**
 * Reads the state of kube-macvtap's components. A component that is missing in the files may still be in the cluster.
 */
export async function readInstallation(view: View): Promise<Installation> {
  const [plugin, deployments, authorities] = await Promise.all([
    pluginOf(view),
    listWorkload(view, queriesOf(view.policyNamespace).deployments, webhookName),
    authoritiesOf(view),
  ]);
  return {
    plugin,
    webhook: webhookOf(view, deployments),
    authorities,
    multusNamespace: flagIn(argumentsOf(deployments?.[0]), 'multus-namespace') ?? 'kube-system',
  };
}

type Installation = Pick<WhyFacts, 'plugin' | 'webhook' | 'authorities' | 'multusNamespace'>;

async function pluginOf(view: View): Promise<WhyFacts['plugin']> {
  const { list, client, policyNamespace: namespace } = view;
  const daemonSets = await listWorkload(view, queriesOf(namespace).daemonSets, pluginName);
  const [daemonSet] = daemonSets ?? [];
  if (daemonSet === undefined) return daemonSets === undefined || client === undefined ? undefined : 'absent';
  const pods = await list(queriesOf(namespace).pods);
  // With files, a DaemonSet without pods means that the pods are missing in the files, so the state is unknown.
  if (pods === undefined || (client === undefined && pods.length === 0)) return undefined;
  return readPlugin(daemonSet, pods);
}

/**
 * Lists a component of the installation by its labels, which the chart never changes. If none is found, looks for its
 * default name.
 */
async function listWorkload(
  { list, policyNamespace: namespace }: View,
  query: ObjectQuery & { readonly kind: 'daemonsets' | 'deployments' },
  name: string,
) {
  const { kind } = query;
  const found = await list(query);
  return found?.length === 0 ? await list({ kind, namespace, name }) : found;
}

function webhookOf({ client }: View, deployments: readonly ApiObject[] | undefined): WhyFacts['webhook'] {
  const [deployment] = deployments ?? [];
  if (deployment === undefined) return deployments === undefined || client === undefined ? undefined : 'absent';
  if (client === undefined && deployment.status === undefined) return undefined;
  return {
    name: deployment.metadata.name,
    replicas: numberIn(deployment, 'spec', 'replicas'),
    ready: numberIn(deployment, 'status', 'readyReplicas'),
  };
}

async function authoritiesOf({ list, client, policyNamespace }: View): Promise<WhyFacts['authorities']> {
  const { mutating, validating } = queriesOf(policyNamespace);
  const lists = await Promise.all([list(mutating), list(validating)]);
  const read = lists.filter((one) => one !== undefined);
  const isUnknown = client === undefined ? read.flat().length === 0 : read.length === 0;
  return isUnknown ? undefined : readAuthorities(read.flat());
}

/** The policy for a dry run. It is never stored and selects no node. */
const probe = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'kubectl-macvtap-why' },
  spec: {
    parentSelector: [{ parentIface: 'none', resourceName: 'none' }],
    nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'kubectl-macvtap-why' } },
  },
} as const;

/** The chart gives each of the two webhooks 10 seconds, and the API server calls them one after the other. */
const timeoutMs = 30_000;

/**
 * Makes the API server call the webhook, by creating a policy in a dry run. This is the only way to see whether the API
 * server trusts the certificate and reaches the webhook. `call` is the API server's error. It is empty if the webhook
 * answered, and undefined if the result is unknown.
 */
export async function callWebhook(
  client: Pick<ApiClient, 'request'>,
  namespace: string,
): Promise<{ readonly call: string | undefined; readonly missing?: MissingPart }> {
  const path = collectionPath('macvtapnetworknodepolicies', namespace);
  const unknownCall = (message: string) => ({ call: undefined, missing: { what: 'webhook', message } });
  try {
    const { status, body } = await client.request('POST', `${path}?dryRun=All`, probe, { timeoutMs });
    const reply = textIn(body, 'message') ?? '';
    if (status < 300 || /admission webhook .* denied the request/.test(reply)) return { call: '' };
    if (reply.includes('failed calling webhook')) return { call: reply.replace(preamble, '').slice(0, longestText) };
    if (status !== 403) return unknownCall(`${status}: ${reply}`);
    return unknownCall(`the right to create macvtapnetworknodepolicies in the namespace ${namespace} is missing`);
  } catch (thrown) {
    const { code, message } = MacvtapError.from(thrown);
    if (code !== 'DeadlineExceeded') throw thrown;
    return unknownCall(message);
  }
}

const preamble = /^Internal error occurred: /;
const longestText = 400;

/** The reasons of a container that waits for its image. Source: kubernetes pkg/kubelet/images/types.go. */
const imageReasons: readonly string[] = [
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
];

/** Reads the node plugin's DaemonSet with its pods. Pods that are being deleted, as in a rollout, are ignored. */
export function readPlugin(daemonSet: ApiObject, pods: readonly ApiObject[]): PluginSummary {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const placed = staying.flatMap((pod) => {
    const node = textIn(pod, 'spec', 'nodeName');
    return node === undefined ? [] : [[node, readPluginPod(pod)] as const];
  });
  const release = textIn(daemonSet, 'metadata', 'labels', 'app.kubernetes.io/instance');
  const { name } = daemonSet.metadata;
  return { name, release, ...readScheduling(valueIn(daemonSet, 'spec', 'template', 'spec')), pods: new Map(placed) };
}

function readPluginPod(pod: ApiObject): PluginPod {
  const [container] = listIn(pod, 'status', 'containerStatuses');
  const waiting = textIn(container, 'state', 'waiting', 'reason');
  const ended = textIn(container, 'lastState', 'terminated', 'message')?.trim().split('\n').at(-1);
  const said = [waiting, ended ?? textIn(container, 'state', 'waiting', 'message')].filter(Boolean).join(': ');
  return {
    name: pod.metadata.name,
    isReady: conditionStatus(pod, 'Ready') === 'True',
    said: said === '' ? undefined : said.slice(0, 300).toWellFormed(),
    lacksImage: waiting !== undefined && imageReasons.includes(waiting),
  };
}

/**
 * Returns the expiry of each CA certificate in the webhook configurations, in milliseconds since the epoch and without
 * duplicates.
 */
export function readAuthorities(configurations: readonly ApiObject[]): readonly number[] {
  const bundles = configurations.flatMap((configuration) =>
    listIn(configuration, 'webhooks').map((webhook) => textIn(webhook, 'clientConfig', 'caBundle') ?? ''),
  );
  const certificates = [...new Set(bundles)].flatMap((bundle) =>
    Buffer.from(bundle, 'base64')
      .toString('latin1')
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g),
  );
  return [...new Set(certificates)].flatMap((pem) => (pem === null ? [] : endOf(pem)));
}

/** Returns a list with the expiry of a certificate. The list is empty if the text is not a certificate. */
function endOf(pem: string): readonly number[] {
  try {
    return [new X509Certificate(pem).validToDate.getTime()];
  } catch {
    return [];
  }
}

/**
 * Finds DaemonSets of macvtap-cni by name or image. The list is empty if no node reports a running plugin of
 * macvtap-cni.
 */
export async function findUpstreamPlugins(view: Pick<View, 'list' | 'snapshot'>): Promise<readonly string[]> {
  const states = [...view.snapshot.nodeStates.values()];
  const isRunning = states.some(({ status }) =>
    status?.resources?.some(({ code }) => code === 'UpstreamPluginRunning'),
  );
  if (!isRunning) return [];
  const daemonSets = (await view.list({ kind: 'daemonsets' })) ?? [];
  return daemonSets.filter(isUpstream).map(keyOf);
}

function isUpstream(daemonSet: ApiObject): boolean {
  const containers = listIn(daemonSet, 'spec', 'template', 'spec', 'containers');
  return [daemonSet.metadata.name, ...containers.map((one) => textIn(one, 'image') ?? '')].some((text) =>
    text.includes('macvtap-cni'),
  );
}
