// SPDX-License-Identifier: Apache-2.0
import { renderChart } from '../chart/render-chart.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

let rendered: readonly KubernetesObject[] | undefined;

/** Returns every object of the chart, as Helm renders it with the default values. */
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

/** Adds a base64-encoded CA to a webhook configuration. The product's webhook later writes its own. */
export function trusting(object: WebhookConfiguration, caBundle: string): KubernetesObject {
  const webhooks = object.webhooks.map((webhook) => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle },
  }));
  return { ...object, webhooks };
}
