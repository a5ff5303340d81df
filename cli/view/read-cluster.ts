// SPDX-License-Identifier: Apache-2.0
import { keyOf, listAll } from '../../cluster/api/api-resource.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import { createObjectReader } from '../../cluster/api/object-reader.ts';
import { type Kind, type WatchedKind, watchedKinds } from '../../cluster/api/watched-kinds.ts';
import { type KnownObject, toSnapshot } from '../../cluster/objects/known-object.ts';
import { prepareValidators } from '../../cluster/objects/schema-faults.ts';
import type { SourceFault } from '../../cluster/source.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/pause.ts';
import { missingRight } from './objects.ts';
import type { MissingPart, View } from './view.ts';

export interface SnapshotOptions {
  readonly client: ApiClient;
  readonly policyNamespace: string;
  readonly signal: AbortSignal;
  /** Called after each kind was read, with the name of the kind. */
  readonly onRead: (what: string) => void;
}

/** The result of reading one kind. */
interface KindReading {
  readonly known: readonly KnownObject[];
  readonly faults: readonly SourceFault[];
  readonly missing?: MissingPart;
  /**
   * The reason why there is no list. Either the API server does not have the kind, or its answer is not Kubernetes
   * JSON.
   */
  readonly failure?: 'absent' | 'malformed';
}

/**
 * Reads all kinds that plans depend on, in parallel. Raises NotInstalled if the CRDs are missing, and
 * ApiServerMalformed if the server is not an API server. Raises ApiServerRefused if none of the kinds could be read. If
 * the server does not answer, raises the errors of the client.
 */
export async function readSnapshot(options: SnapshotOptions): Promise<Pick<View, 'snapshot' | 'faults' | 'missing'>> {
  const { client, policyNamespace } = options;
  const kinds = watchedKinds({ policyNamespace, isOneShot: true });
  const reading = Promise.all(kinds.map((kind) => readKind(kind, options)));
  // Compiling takes about as long as the server takes for its first answer. Each request is sent in an earlier turn.
  setImmediate(prepareValidators);
  const readings = await reading;
  const missing = readings.flatMap((reading) => reading.missing ?? []);
  const absent = kinds.filter((_, index) => readings[index]?.failure === 'absent');
  const strange = absent.find(({ kind }) => !isMacvtapKind(kind) && kind !== 'NetworkAttachmentDefinition');
  if (strange !== undefined) throw noApiServer(`${client.server} has no ${strange.resource.what}`);
  const own = absent.find(({ kind }) => isMacvtapKind(kind));
  if (own !== undefined) throw notInstalled(client.server, own.resource.what);
  if (readings.every(({ failure }) => failure === 'malformed')) throw noApiServer(missing[0]?.message ?? client.server);
  if (missing.length === kinds.length) {
    const parts = missing.map(({ what, message }) => `${what}: ${message}`);
    throw new MacvtapError(
      'ApiServerRefused',
      [`${client.server}: you may not read any object:`, ...parts].join('\n  '),
    );
  }
  return {
    snapshot: toSnapshot(readings.flatMap(({ known }) => known)),
    faults: readings.flatMap(({ faults }) => faults),
    missing,
  };
}

async function readKind({ resource, trim }: WatchedKind, options: SnapshotOptions): Promise<KindReading> {
  const { client, policyNamespace, signal, onRead } = options;
  const nothing = { known: [], faults: [] };
  try {
    const listed = await listPatiently(client, resource, { trim, signal });
    if ('absent' in listed) {
      // Only NetworkAttachmentDefinitions can be missing without an error, because without Multus there are no
      // networks.
      const missing = { what: resource.what, message: 'the cluster has no such kind: install Multus' };
      return { ...nothing, missing, failure: 'absent' };
    }
    const objects = new Map(listed.objects.map((object) => [keyOf(object), object]));
    return createObjectReader(policyNamespace).read(objects);
  } catch (thrown) {
    const isMalformed = MacvtapError.from(thrown).code === 'ApiServerMalformed';
    return { ...nothing, missing: toMissingPart(resource, thrown), ...(isMalformed && { failure: 'malformed' }) };
  } finally {
    onRead(resource.what);
  }
}

function isMacvtapKind(kind: Kind): boolean {
  return kind.startsWith('Macvtap');
}

function notInstalled(server: string, what: string): MacvtapError {
  return new MacvtapError(
    'NotInstalled',
    `kube-macvtap is not installed in this cluster: ${server} has no ${what}; install it, or choose another ` +
      'cluster by --context or --kubeconfig',
  );
}

function noApiServer(what: string): MacvtapError {
  return new MacvtapError(
    'ApiServerMalformed',
    `${what}; the server there is not a Kubernetes API server: check the server in the kubeconfig, and any proxy in front of it`,
  );
}

/** The number of retries and the longest wait before each of them, as in kubectl. */
const mostRetries = 10;
const longestMs = 10_000;

/**
 * Lists a resource. If the API server is overloaded, retries after the time that the server asks for. Raises the errors
 * of `listAll`.
 */
export async function listPatiently(...[client, resource, options]: Parameters<typeof listAll>) {
  for (let left = mostRetries; ; left -= 1) {
    try {
      return await listAll(client, resource, options);
    } catch (thrown) {
      const { retryAfterMs } = MacvtapError.from(thrown).facts;
      if (left === 0 || typeof retryAfterMs !== 'number') throw thrown;
      await pause(Math.min(retryAfterMs, longestMs), options.signal);
    }
  }
}

/** A collection of the API. */
interface Collection {
  readonly what: string;
  readonly path: string;
}

/**
 * Converts the error of a failed list request to a missing part, so that the command can continue without that list.
 * Raises the error again if no other list can succeed either, because the API server does not answer or rejects the
 * credentials.
 */
export function toMissingPart({ what, path }: Collection, thrown: unknown): MissingPart {
  const error = MacvtapError.from(thrown);
  const { status } = error.facts;
  const isOfThisPart = error.code === 'ApiServerMalformed' || (error.code === 'ApiServerRefused' && status !== 401);
  if (!isOfThisPart) throw error;
  return { what, message: status === 403 ? `the right to ${missingRight(path)} is missing` : error.message };
}
