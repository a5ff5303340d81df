// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from '../../cluster/api/client.ts';
import { ListWatch } from '../../cluster/api/list-watch.ts';
import { type MetadataLookups, type PodMetadata, readPodMetadata } from '../../cluster/api/lookups.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/pause.ts';
import { type AttachedDevice, listAttached } from '../cni/attachments.ts';
import type { Ledger } from '../ledger/ledger.ts';
import {
  hasLeft,
  hasTakenOver,
  isWaitingTarget,
  launcherNamespace,
  migrationJobLabel,
  trimTarget,
} from './migration-target.ts';

export interface MigrationFollower extends AsyncDisposable {
  /** Follows the migrations of a namespace that has attached launcher pods on this node. */
  attached(namespace: string): void;
}

export interface FollowMigrationsOptions {
  readonly client: ApiClient;
  readonly lookups: Pick<MetadataLookups, 'pod'>;
  readonly ledger: Pick<Ledger, 'entries'>;
  /** Detaches a device from its pod, unless the device is attached to another pod by now. */
  readonly detach: (device: AttachedDevice, signal: AbortSignal) => Promise<void>;
  /** Called after a pod's guest has moved to another node and the pod's link was removed. */
  readonly onMoved: (device: AttachedDevice, target: string) => void;
  readonly onTrouble: (error: MacvtapError) => void;
}

/** The time limit of a detach. Lookups and deletions take far less. */
const detachMs = 10_000;

/** The wait before a failed lookup or detach is repeated. */
const retryMs = 1_000;

/**
 * Removes the link of a guest that has moved to another node. KubeVirt ends the source pod only seconds later. Until
 * then, frames from other macvtaps of this node to the guest would go to the old link, which no process reads.
 *
 * The sign of a move is the annotation that KubeVirt adds to the target pod once the guest runs there. From then on,
 * the guest cannot continue in the source pod. A frame with the guest's address that arrives from the network is not a
 * sign, because any host can send it. Source and target must be owned by the same VirtualMachineInstance in the same
 * namespace. Therefore, a pod can disconnect only a machine of its own namespace.
 *
 * Watches only namespaces with launcher pods on this node, and only the target pods of migrations in them.
 */
export function followMigrations(options: FollowMigrationsOptions): MigrationFollower {
  const { client, ledger, onTrouble } = options;
  const stopping = new AbortController();
  const readSource = createReadSource(options, stopping.signal);
  const watches = new Map<string, ListWatch>();
  const ending = new Set<Promise<void>>();
  /** UIDs of target pods whose sources were detached, by namespace. UIDs of deleted pods are removed. */
  const done = new Map<string, Set<string>>();

  const end = (work: Promise<void>): void => {
    const tracked = work
      .catch((thrown) => {
        if (!stopping.signal.aborted) onTrouble(MacvtapError.from(thrown));
      })
      .finally(() => void ending.delete(tracked));
    ending.add(tracked);
  };
  const look = (namespace: string): void => {
    const targets = [...(watches.get(namespace)?.objects.values() ?? [])].map(({ metadata }) => ({
      name: metadata.name,
      ...readPodMetadata(metadata),
    }));
    const before = done.get(namespace) ?? new Set();
    const now = new Set(targets.map(({ uid }) => uid).filter((uid) => before.has(uid)));
    done.set(namespace, now);
    for (const target of targets) {
      if (!hasTakenOver(target) || now.has(target.uid)) continue;
      now.add(target.uid);
      end(
        detachSources(target, namespace, { ...options, readSource }, stopping.signal).catch(async (thrown) => {
          onTrouble(MacvtapError.from(thrown));
          await pause(retryMs, stopping.signal);
          now.delete(target.uid);
          look(namespace);
        }),
      );
    }
  };
  const open = (namespace: string): ListWatch =>
    new ListWatch({
      client,
      resource: {
        what: `migration targets in namespace ${namespace}`,
        path: `/api/v1/namespaces/${namespace}/pods`,
        labelSelector: migrationJobLabel,
        metadataOnly: true,
      },
      trim: trimTarget,
      onChange: () => look(namespace),
    });

  const attached = (namespace: string): void => {
    const needed = new Set([...listAttached(ledger).flatMap(launcherNamespace), namespace]);
    for (const [other, watch] of watches) {
      if (needed.has(other)) continue;
      watches.delete(other);
      done.delete(other);
      end(watch[Symbol.asyncDispose]());
    }
    for (const one of needed) if (!watches.has(one)) watches.set(one, open(one));
  };
  for (const namespace of new Set(listAttached(ledger).flatMap(launcherNamespace))) attached(namespace);
  return {
    attached,
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('the node plugin ends'));
      for (const watch of watches.values()) end(watch[Symbol.asyncDispose]());
      await Promise.all(ending);
    },
  };
}

async function detachSources(
  target: PodMetadata & { readonly name: string },
  namespace: string,
  { ledger, detach, onMoved, readSource }: FollowMigrationsOptions & { readonly readSource: ReadSource },
  stopping: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(detachMs)]);
  const others = listAttached(ledger).filter(
    (device) => launcherNamespace(device)[0] === namespace && device.record.attachment.podUID !== target.uid,
  );
  for (const devices of Map.groupBy(others, ({ record }) => record.attachment.podUID).values()) {
    const [first] = devices;
    const source = first && (await readSource(first));
    if (source === undefined || !hasLeft(source, target)) continue;
    for (const device of devices) {
      await detach(device, signal);
      onMoved(device, `${namespace}/${target.name}`);
    }
  }
}

/**
 * Returns the metadata of the pod to which a device is attached, or undefined if the pod is gone. Raises
 * `LookupFailed`.
 */
type ReadSource = (device: AttachedDevice) => Promise<PodMetadata | undefined>;

/**
 * Creates a function that reads each source pod only once. Otherwise, each pod that looks like a target would cause
 * requests, and a tenant can create any number of them. One reading is sufficient, because a pod's owner never changes.
 * A pod is read again only if it still waits for its guest, was not found or could not be read. There is one request at
 * a time for each pod.
 */
function createReadSource({ ledger, lookups }: FollowMigrationsOptions, stopping: AbortSignal): ReadSource {
  const reads = new Map<string, Promise<PodMetadata | undefined>>();
  const forgetDetached = (): void => {
    const attached = new Set(listAttached(ledger).map(({ record }) => record.attachment.podUID));
    for (const uid of reads.keys()) if (!attached.has(uid)) reads.delete(uid);
  };
  return async ({ record: { pod = '', attachment } }) => {
    const { podUID } = attachment;
    if (podUID === undefined) return undefined;
    const found = reads.get(podUID);
    if (found !== undefined) return await found;
    forgetDetached();
    const [namespace = '', name = ''] = pod.split('/');
    const read = (async () => {
      const metadata = await lookups.pod(namespace, name, stopping);
      return metadata?.uid === podUID ? metadata : undefined;
    })();
    reads.set(podUID, read);
    let isFinal = false;
    try {
      const metadata = await read;
      isFinal = metadata !== undefined && !isWaitingTarget(metadata);
      return metadata;
    } finally {
      if (!isFinal) reads.delete(podUID);
    }
  };
}
