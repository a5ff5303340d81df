// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** A Kubernetes object as a file holds it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const templates = fileURLToPath(new URL('../../charts/kube-macvtap/templates/', import.meta.url));

/** Every object that the chart ships, as it stands in its files. */
export function shippedObjects(): readonly KubernetesObject[] {
  return readdirSync(templates, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.yaml'))
    .toSorted()
    .flatMap((path) => readObjects(join(templates, path)));
}

/** The objects of a YAML file. */
export function readObjects(path: string): readonly KubernetesObject[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors.join('\n')}`);
    return document.toJS({ maxAliasCount: -1 }) as KubernetesObject;
  });
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
