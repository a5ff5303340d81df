// SPDX-License-Identifier: Apache-2.0

import { keyOf } from '../../cluster/api/api-object.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import { createObjectReader } from '../../cluster/api/object-reader.ts';
import { type Kind, type WatchedKind, watchedKinds } from '../../cluster/api/watched-kinds.ts';
import type { KnownObject } from '../../cluster/objects/known-object.ts';
import { toSnapshot } from '../../cluster/objects/to-snapshot.ts';
import type { SourceFault } from '../../cluster/source.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { listPatiently } from './list-patiently.ts';
import { tellMissing } from './tell-missing.ts';
import type { MissingPart, View } from './view.ts';

export interface SnapshotOptions {
  readonly client: ApiClient;
  readonly policyNamespace: string;
  readonly signal: AbortSignal;
  /** Called with what was read just now. */
  readonly onRead: (what: string) => void;
}

/** What became of one kind. */
interface KindReading {
  readonly known: readonly KnownObject[];
  readonly faults: readonly SourceFault[];
  readonly missing?: MissingPart;
  /** Why nothing is known of it: the API server knows no such kind, or what it answered is no answer. */
  readonly lack?: 'absent' | 'nonsense';
}

/**
 * Reads all that plans rest on, once and at the same time. Raises NotInstalled where our own kinds are not there,
 * ApiServerMalformed where something else than an API server answers, ApiServerRefused where nothing at all may be read,
 * and what the client raises when nobody answers.
 */
export async function readSnapshot(options: SnapshotOptions): Promise<Pick<View, 'snapshot' | 'faults' | 'missing'>> {
  const { client, policyNamespace } = options;
  const kinds = watchedKinds({ policyNamespace });
  const readings = await Promise.all(kinds.map((kind) => readKind(kind, options)));
  const missing = readings.flatMap((reading) => reading.missing ?? []);
  const absent = kinds.filter((_, index) => readings[index]?.lack === 'absent');
  const strange = absent.find(({ kind }) => !isOurs(kind) && kind !== 'NetworkAttachmentDefinition');
  if (strange !== undefined) throw noApiServer(`${client.server} knows no ${strange.resource.what}`);
  const own = absent.find(({ kind }) => isOurs(kind));
  if (own !== undefined) throw notInstalled(client.server, own.resource.what);
  if (readings.every(({ lack }) => lack === 'nonsense')) throw noApiServer(missing[0]?.message ?? client.server);
  if (missing.length === kinds.length) {
    const parts = missing.map(({ what, message }) => `${what}: ${message}`);
    throw new MacvtapError('ApiServerRefused', [`${client.server}: nothing may be read:`, ...parts].join('\n  '));
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
      // Without Multus there are just no networks.
      const missing = { what: resource.what, message: 'the cluster has no such kind: install Multus' };
      return { ...nothing, missing, lack: 'absent' };
    }
    const objects = new Map(listed.objects.map((object) => [keyOf(object), object]));
    return createObjectReader(policyNamespace).read(objects);
  } catch (thrown) {
    const isNonsense = MacvtapError.from(thrown).code === 'ApiServerMalformed';
    return { ...nothing, missing: tellMissing(resource, thrown), ...(isNonsense && { lack: 'nonsense' }) };
  } finally {
    onRead(resource.what);
  }
}

function isOurs(kind: Kind): boolean {
  return kind.startsWith('Macvtap');
}

function notInstalled(server: string, what: string): MacvtapError {
  return new MacvtapError(
    'NotInstalled',
    `kube-macvtap is not installed in this cluster: ${server} knows no ${what}; install it, or choose another ` +
      'cluster by --context or --kubeconfig',
  );
}

function noApiServer(what: string): MacvtapError {
  return new MacvtapError(
    'ApiServerMalformed',
    `${what}; what answers there is no API server of Kubernetes: see which one the kubeconfig names, and any proxy before it`,
  );
}
