// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAborted } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { encodeDeleteGroup, encodeDeleteLink, encodeSetGroup } from '../netlink/link-requests.ts';
import type { BatchRequester, Requester } from '../netlink/netlink-socket.ts';

/** Deletes a link of the socket's namespace. Resolves and raises errors like `deleteLink`. */
export type RemoveLink = (ifindex: number, signal?: AbortSignal) => Promise<void>;

interface Removal {
  readonly ifindex: number;
  readonly resolve: (removed: Promise<void>) => void;
}

/** Called with the indexes of links that were removed. */
export type RemovalListener = (removed: ReadonlySet<number>) => void;

/** How often the macvtaps are looked at during a deletion, in case an event was lost. */
const lookMs = 5;

/** The most links of one group. Their requests and replies together have less than 8 KiB. */
const mostTogether = 64;

/**
 * Creates a function that deletes links. The deletion of a macvtap holds the kernel's network lock (rtnl_lock) for a
 * millisecond or more, because it waits for all readers of the network's data. For a group of links, the kernel waits
 * only once. Macvtaps that are to be deleted during another deletion are therefore put into a group, and deleted with
 * one request. The first one does not wait for others.
 *
 * `isTap` returns whether the namespace has a macvtap with that index. Any other link is deleted separately.
 * `onRemoval` adds a listener for removed links.
 */
export function createRemover(
  socket: BatchRequester,
  isTap: (ifindex: number) => boolean,
  onRemoval: (listener: RemovalListener) => Disposable,
): RemoveLink {
  let waiting: Removal[] = [];
  let isBusy = false;
  const run = async (): Promise<void> => {
    isBusy = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, mostTogether);
      waiting = waiting.slice(mostTogether);
      const indexes = batch.map(({ ifindex }) => ifindex);
      const removed = removeTogether(socket, indexes);
      for (const { resolve, ifindex } of batch) resolve(removed.then((results) => results.get(ifindex)));
      await untilRemoved(indexes, removed, isTap, onRemoval);
    }
    isBusy = false;
  };
  return async (ifindex, signal) => {
    if (signal?.aborted || !isTap(ifindex)) return await deleteLink(socket, ifindex, signal);
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ ifindex, resolve });
    if (!isBusy) void run();
    await unlessAborted(promise, signal).catch((thrown: unknown) => {
      if (!signal?.aborted) throw thrown;
      const text = `the wait for the deletion of the link with ifindex ${ifindex} was cancelled`;
      throw new MacvtapError('Aborted', text, { cause: thrown });
    });
  };
}

/**
 * Waits until the macvtaps are gone, or the kernel has answered. The kernel acknowledges a deletion ten milliseconds
 * after it has released the network lock, and the next batch should not wait for that.
 */
async function untilRemoved(
  indexes: readonly number[],
  removed: Promise<unknown>,
  isTap: (ifindex: number) => boolean,
  onRemoval: (listener: RemovalListener) => Disposable,
): Promise<void> {
  let isAnswered = false;
  const answered = removed.then(
    () => true,
    () => true,
  );
  void answered.then(() => {
    isAnswered = true;
  });
  const left = new Set(indexes);
  while (!isAnswered && indexes.some((ifindex) => left.has(ifindex) && isTap(ifindex))) {
    const event = Promise.withResolvers<void>();
    using _listening = onRemoval((gone) => {
      for (const ifindex of gone) left.delete(ifindex);
      if (left.size === 0) event.resolve();
    });
    await Promise.race([answered, event.promise, sleep(lookMs)]);
  }
}

/** Deletes macvtaps. The result has the outcome of each. */
async function removeTogether(
  socket: BatchRequester,
  indexes: readonly number[],
): Promise<ReadonlyMap<number, Promise<void>>> {
  const results = new Map<number, Promise<void>>();
  const one = (ifindex: number): void => {
    const result = deleteLink(socket, ifindex);
    // The caller may have given up.
    result.catch(() => undefined);
    results.set(ifindex, result);
  };
  const [first] = indexes;
  if (first !== undefined && indexes.length === 1) {
    one(first);
    await results.get(first)?.catch(() => undefined);
    return results;
  }
  // A random number, so that no other link is in the group. The links of a process that was killed in between may be in
  // an earlier group.
  const group = randomInt(0x4000_0000, 0x8000_0000);
  const replies = await socket
    .requestAll([...indexes.map((ifindex) => encodeSetGroup(ifindex, group)), encodeDeleteGroup(group)])
    .catch(() => []);
  const isDeleted = replies.at(-1)?.errno === 0;
  for (const [position, ifindex] of indexes.entries()) {
    if (isDeleted && replies[position]?.errno === 0) results.set(ifindex, Promise.resolve());
    // The kernel did not delete this one with the others. A separate request shows why.
    else one(ifindex);
  }
  return results;
}

/**
 * Deletes a link. `netnsID` selects a link of another namespace. Succeeds if the link does not exist. Raises
 * `MissingCapability` and `NetlinkRefused`.
 */
export async function deleteLink(
  socket: Requester,
  ifindex: number,
  signal?: AbortSignal,
  netnsID?: number,
): Promise<void> {
  const reply = await socket.request(encodeDeleteLink(ifindex, netnsID), signal);
  const errno = nameErrno(reply.errno);
  if (reply.errno === 0 || errno === 'ENODEV') return;
  // EINVAL: the namespace no longer exists.
  if (errno === 'EINVAL' && netnsID !== undefined) return;
  const text = `cannot delete the link with ifindex ${ifindex}: ${reply.text ?? describeErrno(reply.errno)}`;
  const facts = { ifindex, errno };
  if (errno === 'EPERM')
    throw new MacvtapError('MissingCapability', `${text}; give the process CAP_NET_ADMIN`, { facts });
  throw new MacvtapError('NetlinkRefused', `${text}; only virtual links can be deleted`, { facts });
}
