// SPDX-License-Identifier: Apache-2.0
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import type { ControlPlane } from './control-plane.ts';
import { apply, installationNamespace } from './install.ts';
import { type PlayedService, playService } from './play-service.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';
import { type RunningWebhook, startWebhook, type WebhookOptions } from './start-webhook.ts';

/** A control plane that calls the real webhook, with the unchanged configurations of the chart. */
export interface AdmittingCluster extends ControlPlane {
  readonly service: PlayedService;
  readonly webhook: RunningWebhook;
}

/** Starts a control plane and a webhook for all tests of a file. If a test fails, the webhook's output is printed. */
export async function webhookOfFile(options: WebhookOptions = {}): Promise<AdmittingCluster> {
  const cluster = await clusterOfFile();
  const service = cluster.use(await playService(cluster));
  await apply(cluster, shippedObjects().filter(isWebhookConfiguration));
  const webhook = cluster.use(await startWebhook(cluster, options));
  service.targets = [webhook.port];
  try {
    await untilInForce(cluster);
  } catch (thrown) {
    throw new Error(`the API server does not call the webhook:\n${webhook.process.output}`, { cause: thrown });
  }
  return { ...cluster, service, webhook };
}

const policies = (namespace: string) =>
  `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${namespace}/macvtapnetworknodepolicies`;

/**
 * Waits until the webhook configurations are in effect. The API server applies each of the two a moment after it is
 * stored. Two effects show this: a label that is returned as a string (mutating), and a policy that is refused for its
 * namespace (validating).
 */
export async function untilInForce(cluster: ControlPlane): Promise<void> {
  const policy = (namespace: string) => ({
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'probe', namespace },
    spec: { parentSelector: [{ parentIface: 'eth0' }], nodeSelector: { matchLabels: { probe: true } } },
  });
  const post = (namespace: string) =>
    cluster.admin.call('POST', `${policies(namespace)}?dryRun=All`, { body: policy(namespace) });
  await until(
    async () => [(await post(installationNamespace)).body, (await post('default')).body],
    ([mutated, denied]) =>
      JSON.stringify(mutated).includes('"matchLabels":{"probe":"true"}') &&
      /denied the request/.test((denied as { message?: string }).message ?? ''),
  );
}
