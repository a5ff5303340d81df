// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { isRecord } from '../objects/known-object.ts';
import { type ApiObject, isApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { refused } from './refused.ts';
import { watchObject } from './watch-object.ts';

/** One object whose webhooks are all ours. */
interface WebhookConfiguration {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly name: string;
}

export interface CaBundlePublisherOptions {
  readonly client: ApiClient;
  readonly configurations: readonly WebhookConfiguration[];
}

/** What was read, and the way to replace it. It is what certs/ asks of a publisher. */
interface CaBundlePublication {
  readonly version: string;
  /** PEM, one for each webhook of each configuration. */
  readonly bundles: readonly string[];
  /** Configurations that could not be read, and why. */
  readonly problems: readonly string[];
  replace(bundle: string, signal: AbortSignal): Promise<'written' | 'conflict'>;
}

export interface CaBundlePublisher {
  read(signal: AbortSignal): Promise<CaBundlePublication>;
  watch(listener: () => void): Disposable;
}

/**
 * Writes the caBundle of every webhook of some configurations, and nothing else of them, so that with server-side apply
 * no other field has us for an owner. A JSON patch that replaces the version by the one that was read fails with 409 if
 * anybody changed the object meanwhile; the positions in it are therefore those that were read.
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
 * The generation, which a change of the webhooks moves and one of labels does not: whoever touches those every minute
 * must not keep a new authority from ever counting as published.
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
  // One that fails must not keep the others from being written.
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

/** The owner of the fields, for those who leave others' fields alone (server-side apply, Argo CD). */
const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-webhook' });

function webhooksOf({ webhooks }: ApiObject): readonly unknown[] {
  return Array.isArray(webhooks) ? webhooks : [];
}

function bundlesOf(object: ApiObject): readonly string[] {
  return webhooksOf(object).map((webhook) => {
    const bundle = isRecord(webhook) && isRecord(webhook.clientConfig) ? webhook.clientConfig.caBundle : undefined;
    return typeof bundle === 'string' ? Buffer.from(bundle, 'base64').toString() : '';
  });
}

function collectionOf(kind: string): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`;
}

function pathOf(kind: string, name: string): string {
  return `${collectionOf(kind)}/${encodeURIComponent(name)}`;
}
