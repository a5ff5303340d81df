// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { refused } from './api-errors.ts';
import { isApiObject } from './api-resource.ts';
import type { ApiClient, ApiResponse } from './client.ts';
import { watchObject } from './list-watch.ts';

export interface SecretStoreOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** The managed keys. A write removes the managed keys that its data does not contain. Other keys stay unchanged. */
  readonly keys: readonly string[];
}

/** The data of a Secret as text, and its resourceVersion. */
interface SecretContent {
  readonly data: Readonly<Record<string, string>>;
  readonly version: string;
}

/** One Secret that several processes share without a lock. Matches the store interface of certs/. */
export interface SecretStore {
  read(signal: AbortSignal): Promise<SecretContent | undefined>;
  /**
   * Writes the data if the Secret still has the expected version. Without a version, creates the Secret if it still
   * does not exist.
   */
  write(
    data: Readonly<Record<string, string>>,
    expectedVersion: string | undefined,
    signal: AbortSignal,
  ): Promise<'written' | 'conflict'>;
  watch(listener: () => void): Disposable;
}

/**
 * Creates a store whose reads bypass every cache: a GET without resourceVersion is a quorum read from etcd. A write is
 * a merge patch that includes the version it replaces, so one of two concurrent writers gets 409. Raises
 * ApiServerRefused and the client's errors.
 */
export function createSecretStore({ client, namespace, name, keys }: SecretStoreOptions): SecretStore {
  const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  const what = `Secret ${namespace}/${name}`;

  const patch = (data: object, resourceVersion: string, signal: AbortSignal): Promise<ApiResponse> =>
    client.request(
      'PATCH',
      `${path}?${manager}`,
      { metadata: { resourceVersion }, data },
      { contentType: mergePatch, signal },
    );
  const create = (data: object, signal: AbortSignal): Promise<ApiResponse> =>
    client.request(
      'POST',
      `${collection}?${manager}`,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'Opaque', data },
      { signal },
    );
  return {
    async read(signal) {
      const answer = await client.request('GET', path, undefined, { signal });
      if (answer.status === 404) return undefined;
      if (answer.status !== 200 || !isApiObject(answer.body)) throw refused(`get ${what}`, answer);
      return { data: decode(answer.body.data), version: String(answer.body.metadata.resourceVersion) };
    },
    async write(data, expectedVersion, signal) {
      const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      const absent = keys.filter((key) => data[key] === undefined).map((key) => [key, null]);
      const answer =
        expectedVersion === undefined
          ? await create(Object.fromEntries(encoded), signal)
          : await patch(Object.fromEntries([...encoded, ...absent]), expectedVersion, signal);
      if (answer.status === 200 || answer.status === 201) return 'written';
      // The Secret was changed, created or deleted (404) in the meantime. The caller reads it again.
      if (answer.status === 409 || (answer.status === 404 && expectedVersion !== undefined)) return 'conflict';
      if (answer.status === 403 && expectedVersion === undefined) throw missing(what, answer);
      throw refused(`write ${what}`, answer);
    },
    watch: (listener) => watchObject({ client, what, path: collection, name, listener }),
  };
}

const mergePatch = 'application/merge-patch+json';
const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-webhook' });

/** Decodes the data of a Secret. The API server has checked the base64. Values that are not text are dropped. */
function decode(data: unknown): Record<string, string> {
  const entries = Object.entries(isJsonObject(data) ? data : {});
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** Returns the error for a missing Secret. RBAC cannot limit `create` to a name, so the chart does not grant it. */
function missing(what: string, { status }: ApiResponse): MacvtapError {
  const cause = `${what} does not exist, and this service account may not create it`;
  const text = `${cause}: apply the chart again, or create an empty Secret`;
  return new MacvtapError('ApiServerRefused', text, { facts: { status } });
}
