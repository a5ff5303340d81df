// SPDX-License-Identifier: Apache-2.0

import { keyOf } from '../../cluster/api/api-object.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import { listAll } from '../../cluster/api/list-all.ts';
import { createObjectReader } from '../../cluster/api/object-reader.ts';
import { type Kind, type WatchedKind, watchedKinds } from '../../cluster/api/watched-kinds.ts';
import type { KnownObject } from '../../cluster/objects/known-object.ts';
import { toSnapshot } from '../../cluster/objects/to-snapshot.ts';
import type { SourceFault } from '../../cluster/source.ts';
import { MacvtapError } from '../../runtime/errors.ts';
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
}

/**
 * Reads all that plans rest on, once and at the same time. Raises NotInstalled where our own kinds are not there,
 * ApiServerRefused where nothing at all may be read, and what the client raises when nobody answers.
 */
export async function readSnapshot(options: SnapshotOptions): Promise<Pick<View, 'snapshot' | 'faults' | 'missing'>> {
  const kinds = watchedKinds({ policyNamespace: options.policyNamespace });
  const readings = await Promise.all(kinds.map((kind) => readKind(kind, options)));
  const missing = readings.flatMap((reading) => reading.missing ?? []);
  if (missing.length === kinds.length) {
    const parts = missing.map(({ what, message }) => `${what}: ${message}`);
    throw new MacvtapError(
      'ApiServerRefused',
      [`${options.client.server}: nothing may be read:`, ...parts].join('\n  '),
    );
  }
  return {
    snapshot: toSnapshot(readings.flatMap(({ known }) => known)),
    faults: readings.flatMap(({ faults }) => faults),
    missing,
  };
}

async function readKind({ kind, resource, trim }: WatchedKind, options: SnapshotOptions): Promise<KindReading> {
  const { client, policyNamespace, signal, onRead } = options;
  try {
    const listed = await listAll(client, resource, { trim, signal });
    if ('absent' in listed) return { known: [], faults: [], missing: absent(kind, resource.what, client.server) };
    const objects = new Map(listed.objects.map((object) => [keyOf(object), object]));
    return createObjectReader(policyNamespace).read(objects);
  } catch (thrown) {
    return { known: [], faults: [], missing: tellMissing(resource, thrown) };
  } finally {
    onRead(resource.what);
  }
}

/** Without our kinds there is nothing to tell of; without Multus there are just no networks. */
function absent(kind: Kind, what: string, server: string): MissingPart {
  if (kind === 'NetworkAttachmentDefinition') return { what, message: 'the cluster has no such kind: install Multus' };
  throw new MacvtapError(
    'NotInstalled',
    `kube-macvtap is not installed in this cluster: ${server} knows no ${what}; install it, or choose another cluster by ` +
      '--context or --kubeconfig',
  );
}
