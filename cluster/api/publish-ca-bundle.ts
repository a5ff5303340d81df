// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { refused } from './api-errors.ts';
import { type ApiObject, isApiObject } from './api-resource.ts';
import type { ApiClient } from './client.ts';
import { watchObject } from './list-watch.ts';

/** A webhook configuration that the chart creates. */
interface WebhookConfiguration {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly name: string;
}

export interface CaBundlePublisherOptions {
  readonly client: ApiClient;
  readonly configurations: readonly WebhookConfiguration[];
}

/** The published CA bundles, and a function that replaces them. Implements the publisher interface of certs/. */
interface CaBundlePublication {
  readonly version: string;
  /** The PEM bundle of each webhook in every configuration. */
  readonly bundles: readonly string[];
  /** The reasons why some configurations could not be read. */
  readonly problems: readonly string[];
  replace(bundle: string, signal: AbortSignal): Promise<'written' | 'conflict'>;
}

export interface CaBundlePublisher {
  read(signal: AbortSignal): Promise<CaBundlePublication>;
  watch(listener: () => void): Disposable;
}

/**
 * Creates a publisher that writes a CA bundle to every webhook of the given configurations. It writes no other field,
 * and therefore owns no other field under server-side apply. The JSON patch contains the resourceVersion that was read.
 * If the object has changed since, the patch fails with 409, so the indexes in the patch are always valid.
 */
export function createCaBundlePublisher({ client, configurations }: CaBundlePublisherOptions): CaBundlePublisher {
  return {
    async read(signal) {
      const reads = configurations.map((configuration) => read(client, configuration, signal));
      const results = await Promise.allSettled(reads);
      const objects = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
      return {
        version: objects.map(versionOf).join(),
        bundles: objects.flatMap(bundlesOf),
        problems: results
          .filter((result) => result.status === 'rejected')
          .map(({ reason }) => MacvtapError.from(reason).message),
        replace: (bundle, signal) => replaceAll(client, objects, bundle, signal),
      };
    },
    watch(listener) {
      const watches = new DisposableStack();
      for (const { kind, name } of configurations) {
        watches.use(watchObject({ client, what: `${kind} ${name}`, path: collectionOf(kind), name, listener }));
      }
      return watches;
    },
  };
}

/**
 * Returns the UID and the generation. A new CA is used only after it has been published for some time without a change
 * of this version. The generation changes with the webhooks but not with labels. With the resourceVersion instead, a
 * controller that changes labels every minute could delay the switch to a new CA forever.
 */
function versionOf({ metadata: { uid, generation, resourceVersion } }: ApiObject): string {
  return `${uid}/${generation ?? resourceVersion}`;
}

async function read(client: ApiClient, { kind, name }: WebhookConfiguration, signal: AbortSignal): Promise<ApiObject> {
  const answer = await client.request('GET', pathOf(kind, name), undefined, { signal });
  if (answer.status === 200 && isApiObject(answer.body)) return { ...answer.body, kind };
  const { code, message, facts } = refused(`get ${kind} ${name}`, answer);
  const hint = answer.status === 404 ? '; apply the chart again' : '';
  throw new MacvtapError(code, `${message}${hint}`, { facts });
}

async function replaceAll(
  client: ApiClient,
  objects: readonly ApiObject[],
  bundle: string,
  signal: AbortSignal,
): Promise<'written' | 'conflict'> {
  const different = objects.filter((object) => bundlesOf(object).some((published) => published !== bundle));
  // An error in one configuration must not prevent writing the others.
  const results = await Promise.allSettled(different.map((object) => replace(client, object, bundle, signal)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return results.some((result) => result.status === 'fulfilled' && result.value === 'conflict')
    ? 'conflict'
    : 'written';
}

async function replace(
  client: ApiClient,
  object: ApiObject,
  bundle: string,
  signal: AbortSignal,
): Promise<'written' | 'conflict'> {
  const { name, resourceVersion } = object.metadata;
  const value = Buffer.from(bundle).toString('base64');
  const patch = [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ...webhooksOf(object).map((_, index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value })),
  ];
  const answer = await client.request('PATCH', `${pathOf(String(object.kind), name)}?${manager}`, patch, {
    contentType: 'application/json-patch+json',
    signal,
  });
  if (answer.status === 200) return 'written';
  if (answer.status === 409 || answer.status === 404) return 'conflict';
  throw refused(`write the caBundle of ${object.kind} ${name}`, answer);
}

/** The field manager. Server-side apply and Argo CD use it to find the owner of a field. */
const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-webhook' });

function webhooksOf({ webhooks }: ApiObject): readonly unknown[] {
  return Array.isArray(webhooks) ? webhooks : [];
}

function bundlesOf(object: ApiObject): readonly string[] {
  return webhooksOf(object).map((webhook) => {
    const bundle =
      isJsonObject(webhook) && isJsonObject(webhook.clientConfig) ? webhook.clientConfig.caBundle : undefined;
    return typeof bundle === 'string' ? Buffer.from(bundle, 'base64').toString() : '';
  });
}

function collectionOf(kind: string): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`;
}

function pathOf(kind: string, name: string): string {
  return `${collectionOf(kind)}/${encodeURIComponent(name)}`;
}
