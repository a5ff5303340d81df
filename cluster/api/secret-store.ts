// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { isRecord } from '../objects/known-object.ts';
import { isApiObject } from './api-object.ts';
import type { ApiClient, ApiResponse } from './client.ts';
import { refused } from './refused.ts';
import { watchObject } from './watch-object.ts';

export interface SecretStoreOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** The keys that are ours: whichever a write does not name is removed; others are left alone. */
  readonly keys: readonly string[];
}

/** The texts of a Secret, and its resourceVersion. */
interface SecretContent {
  readonly data: Readonly<Record<string, string>>;
  readonly version: string;
}

/** One Secret that several processes share without a lock. It is what certs/ asks of a store. */
export interface SecretStore {
  read(signal: AbortSignal): Promise<SecretContent | undefined>;
  /** Writes if the Secret still has the version, or, for undefined, makes it if there still is none. */
  write(
    data: Readonly<Record<string, string>>,
    expectedVersion: string | undefined,
    signal: AbortSignal,
  ): Promise<'written' | 'conflict'>;
  watch(listener: () => void): Disposable;
}

/**
 * Reads past every cache (a GET without resourceVersion is answered by a quorum of etcd) and writes by a merge patch
 * that names the version which it replaces, so that of two writers one is told 409. Raises ApiServerRefused and what
 * the client raises.
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
      // Changed, made, or (404) deleted meanwhile: whoever reads again sees which.
      if (answer.status === 409 || (answer.status === 404 && expectedVersion !== undefined)) return 'conflict';
      if (answer.status === 403 && expectedVersion === undefined) throw gone(what, answer);
      throw refused(`write ${what}`, answer);
    },
    watch: (listener) => watchObject({ client, what, path: collection, name, listener }),
  };
}

const mergePatch = 'application/merge-patch+json';
const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-webhook' });

/** Base64 is the API server's to check; what is no text at all is not taken. */
function decode(data: unknown): Record<string, string> {
  const entries = Object.entries(isRecord(data) ? data : {});
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** A right to create cannot be limited to a name, so it is not asked for. */
function gone(what: string, { status }: ApiResponse): MacvtapError {
  return new MacvtapError(
    'ApiServerRefused',
    `${what} is gone, and this service account may not make it: apply the chart again, or make it empty`,
    { facts: { status } },
  );
}
