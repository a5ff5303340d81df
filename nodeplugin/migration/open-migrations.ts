// SPDX-License-Identifier: Apache-2.0
import { createMetadataLookups } from '../../cluster/api/lookups.ts';
import type { LiveSource } from '../../cluster/source.ts';
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import { pause } from '../../runtime/pause.ts';
import { type AttachedDevice, listAttached } from '../cni/attachments.ts';
import type { CNIEnvironment } from '../cni/spec/cni-environment.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { decodeSentPackets } from '../netlink/link-message.ts';
import { encodeGetStatistics, encodeSetMacvtapMode } from '../netlink/link-requests.ts';
import { NetlinkSocket, type Requester } from '../netlink/netlink-socket.ts';
import { type FollowMigrationsOptions, followMigrations } from './follow-migrations.ts';
import { isLauncher, isWaitingTarget } from './migration-target.ts';

type Pod = CNIEnvironment['pod'];

/** The operations that ADD needs for live migrations. */
export interface Migrations {
  /**
   * Returns whether the pod waits for a guest that still runs elsewhere. Returns false if too many links of its
   * namespace already wait for a guest. Never rejects: after an error it returns false.
   */
  isWaitingTarget(pod: Pod, signal: AbortSignal): Promise<boolean>;
  /**
   * Takes over an rtnetlink socket of the pod's network namespace. The socket is used to set the link to mode bridge
   * when the guest sends its first frame.
   */
  park(id: string, ifindex: number, descriptor: number): void;
  /** Must be called after a pod of this node was attached. */
  attached(pod: Pod): void;
}

export interface OpenMigrationsOptions {
  readonly source: Pick<LiveSource, 'origin'>;
  /** The lookups that ADD uses. */
  readonly lookups: FollowMigrationsOptions['lookups'];
  readonly ledger: Pick<Ledger, 'entries' | 'get' | 'record'>;
  /** The same lock that ADD and DEL take. */
  readonly lock: KeyedMutex;
  readonly detach: (device: AttachedDevice, signal: AbortSignal) => Promise<void>;
  /** Called when the guest of a device has arrived on this node. */
  readonly onArrived: (deviceID: string) => void;
  readonly onMoved: (device: AttachedDevice, target: string) => void;
  readonly onTrouble: (error: MacvtapError) => void;
}

/**
 * The maximum number of links in one Kubernetes namespace that wait for their guest. Further links start in mode
 * bridge. The limit is needed, because any pod can look like a migration target, and each waiting link costs a
 * descriptor and ten requests per second. By default, KubeVirt migrates at most two machines away from a node at a
 * time.
 */
const mostParkedOfNamespace = 16;

/**
 * Follows live migrations from and to this node until disposed. Returns undefined if the node plugin reads its objects
 * from files instead of a cluster, because it cannot see migrations then.
 */
export function openMigrations(options: OpenMigrationsOptions): (Migrations & AsyncDisposable) | undefined {
  const { source, lookups, ledger, lock, onArrived, onTrouble } = options;
  if (source.origin.kind !== 'cluster') return undefined;
  const { client } = source.origin;
  for (const device of listAttached(ledger)) if (device.record.attachment.parked) onTrouble(leftParked(device));
  const scope = new AsyncDisposableStack();
  const followed = scope.use(followMigrations({ ...options, client, lookups: createMetadataLookups(client) }));
  const parked = scope.use(
    parkLinks({
      onTrouble,
      async onReleased(id, hasArrived) {
        if (hasArrived) onArrived(id);
        // Without the lock, this write to the ledger could restore an attachment that a DEL is just removing.
        await lock.run([linkName(id)], () => recordReleased(id, ledger));
      },
    }),
  );
  return {
    async isWaitingTarget(pod, signal) {
      if (pod === undefined || !isLauncher(pod)) return false;
      if (countParked(ledger, pod.namespace) >= mostParkedOfNamespace) return false;
      const metadata = await lookups.pod(pod.namespace, pod.name, signal).catch((thrown: unknown) => {
        onTrouble(MacvtapError.from(thrown));
        return undefined;
      });
      return metadata !== undefined && metadata.uid === pod.uid && isWaitingTarget(metadata);
    },
    park: (id, ifindex, descriptor) =>
      parked.add({ id, ifindex, socket: new NetlinkSocket({ concurrency: 1, opened: descriptor }) }),
    attached: (pod) => {
      if (pod !== undefined && isLauncher(pod)) followed.attached(pod.namespace);
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function countParked(ledger: OpenMigrationsOptions['ledger'], namespace: string): number {
  return listAttached(ledger).filter(
    ({ record: { pod, attachment } }) => attachment.parked && pod?.startsWith(`${namespace}/`),
  ).length;
}

/** Records that a link no longer waits for its guest. Does nothing if no waiting link is recorded. */
async function recordReleased(id: string, ledger: OpenMigrationsOptions['ledger']): Promise<void> {
  const record = ledger.get(id);
  if (record?.attachment?.parked === undefined) return;
  const { lastUsed, attachment, ...entry } = record;
  const { parked, ...released } = attachment;
  await ledger.record(id, { ...entry, attachment: released });
}

function leftParked({ id, record: { pod = 'unknown' } }: AttachedDevice): MacvtapError {
  return new MacvtapError(
    'AttachmentWrong',
    `device ${id} of pod ${pod}: the node plugin was killed while a guest migrated here, and its link is still in mode private; ` +
      'other macvtaps of this node do not reach the guest until the virtual machine is migrated again or restarted',
    { facts: { device: id } },
  );
}

/** A link that waits for its guest. */
interface ParkedLink {
  readonly id: string;
  readonly ifindex: number;
  /** A socket of the link's network namespace. It keeps the namespace alive, and is closed when the wait ends. */
  readonly socket: Requester & AsyncDisposable;
}

/** The waiting links of migration targets. */
export interface ParkedLinks extends AsyncDisposable {
  /**
   * Waits for the guest of a link, or until the link is removed. Disposing sets all waiting links to mode bridge.
   */
  add(link: ParkedLink): void;
}

export interface ParkedLinksOptions {
  /**
   * Called after the link was set to mode bridge. From then on, other macvtaps of the node reach it. `hasArrived` is
   * false if the node plugin ends before the guest has sent a frame.
   */
  readonly onReleased: (id: string, hasArrived: boolean) => Promise<void>;
  readonly onTrouble: (error: MacvtapError) => void;
  /** The interval at which a link's counter of sent packets is read. The kernel sends no event when it changes. */
  readonly pollMs?: number;
}

/**
 * The default for `pollMs`. After the guest arrives, frames from other macvtaps of this node do not reach it for up to
 * this time. Polling costs ten requests per second for each migration to this node.
 */
const defaultPollMs = 100;

/**
 * Sets links of migration targets to mode bridge once their guest has arrived.
 *
 * In mode bridge, the kernel delivers frames from other macvtaps of the node for the guest's address to this link.
 * Before the guest arrives, these frames would be lost. The link therefore starts in mode private: the frames then
 * leave the node, and reach the guest on its source node. Only the guest sends on the link, and qemu announces the
 * guest when it resumes. The first sent frame therefore shows that the guest has arrived.
 */
export function parkLinks({ onReleased, onTrouble, pollMs = defaultPollMs }: ParkedLinksOptions): ParkedLinks {
  const stopping = new AbortController();
  const waiting = new Set<Promise<void>>();
  const follow = async ({ id, ifindex, socket }: ParkedLink): Promise<void> => {
    await using _ = socket;
    for (;;) {
      const sent = await readSentPackets(socket, ifindex);
      if (sent === undefined) return;
      // If the process is ending, the mode is changed even before the guest has sent a packet. Nothing can change it
      // after the socket is closed.
      if (sent > 0n || stopping.signal.aborted) {
        if (await release(socket, id, ifindex)) await onReleased(id, sent > 0n);
        return;
      }
      await pause(pollMs, stopping.signal);
    }
  };
  return {
    add(link) {
      const ended = follow(link)
        .catch((thrown) => onTrouble(MacvtapError.from(thrown)))
        .finally(() => void waiting.delete(ended));
      waiting.add(ended);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(waiting);
    },
  };
}

/** Reads the counter of sent packets. Returns undefined if the link is gone. */
async function readSentPackets(socket: Requester, ifindex: number): Promise<bigint | undefined> {
  const { errno, text, messages } = await socket.request(encodeGetStatistics(ifindex));
  if (nameErrno(errno) === 'ENODEV') return undefined;
  const [message] = messages;
  if (errno === 0 && message !== undefined) return decodeSentPackets(message.payload);
  throw new MacvtapError('NetlinkRefused', `cannot read link ${ifindex}: ${text ?? describeErrno(errno)}`, {
    facts: { ifindex },
  });
}

/** Sets the link to mode bridge. Returns false if the link is gone. */
async function release(socket: Requester, id: string, ifindex: number): Promise<boolean> {
  const { errno, text } = await socket.request(encodeSetMacvtapMode(ifindex, 'bridge'));
  if (errno === 0) return true;
  if (nameErrno(errno) === 'ENODEV') return false;
  throw new MacvtapError(
    'NetlinkRefused',
    `device ${id}: the link of a migrated guest cannot be set to mode bridge: ${text ?? describeErrno(errno)}; other macvtaps of ` +
      'this node do not reach it until the virtual machine is migrated again or restarted',
    { facts: { device: id, ifindex } },
  );
}
