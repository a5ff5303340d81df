// SPDX-License-Identifier: Apache-2.0
import { renderChart } from '../chart/render-chart.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

let rendered: readonly KubernetesObject[] | undefined;

/** Every object that the chart ships, as Helm makes it of the chart's own values. */
export function shippedObjects(): readonly KubernetesObject[] {
  rendered ??= renderChart();
  return rendered;
}

interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks: readonly { readonly name: string; readonly clientConfig: object }[];
}

export function isWebhookConfiguration(object: KubernetesObject): object is WebhookConfiguration {
  return /^(Mutating|Validating)WebhookConfiguration$/.test(object.kind);
}

/** A webhook configuration that believes a certificate, in base64, from the start; ours writes its own later. */
export function trusting(object: WebhookConfiguration, caBundle: string): KubernetesObject {
  const webhooks = object.webhooks.map((webhook) => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle },
  }));
  return { ...object, webhooks };
}
