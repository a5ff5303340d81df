// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { NetlinkSocket } from '../netlink/netlink-socket.ts';
import { createMacvtap, type MacvtapRequest } from './create-macvtap.ts';
import { deleteLink } from './delete-link.ts';
import { getLink, type LinkDetails, type LinkKey } from './get-link.ts';
import { subscribeToInterfaces } from './interface-events.ts';
import { type LinkMove, moveLink } from './move-link.ts';
import { findNetnsID, withNetnsID } from './netns-id.ts';
import { isOwnMacvtap } from './own-macvtap.ts';
import { makeInterfaceReader } from './read-interfaces.ts';
import { type FoundLink, searchLink } from './search-link.ts';
import { type InterfaceWatch, watchInterfaces } from './watch-interfaces.ts';

/**
 * The links of the network namespace that the process was in when they were opened: facts and actions. Every method
 * raises `Aborted` when its signal ends first; what the kernel was already asked for is then done nevertheless.
 */
export interface Links extends AsyncDisposable {
  readInterfaces(signal?: AbortSignal): Promise<readonly InterfaceFacts[]>;
  /** All but our own macvtaps. `onError` hears of readings that failed and are repeated. The watch ends with its own disposal. */
  watchInterfaces(onError: (error: MacvtapError) => void, signal?: AbortSignal): Promise<InterfaceWatch>;
  createMacvtap(request: MacvtapRequest, signal?: AbortSignal): Promise<void>;
  /** A link that is gone already is a success. */
  deleteLink(ifindex: number, signal?: AbortSignal): Promise<void>;
  moveLink(move: LinkMove, signal?: AbortSignal): Promise<void>;
  getLink(key: LinkKey, signal?: AbortSignal): Promise<LinkDetails | undefined>;
  /** In the namespace at the path; undefined when it is gone, too. */
  getLinkIn(netnsPath: string, key: LinkKey, signal?: AbortSignal): Promise<LinkDetails | undefined>;
  /** In the namespace at the path; a link or a namespace that is gone already is a success. */
  deleteLinkIn(netnsPath: string, ifindex: number, signal?: AbortSignal): Promise<void>;
  /** Lets `searchLink` look into an open namespace, as long as that lives. False for one that is not of the network. The path is for the error. */
  rememberNetns(netnsFd: number, path: string, signal?: AbortSignal): Promise<boolean>;
  /** The links of this number in every other namespace that was ever looked into, whether or not a path leads there. */
  searchLink(ifindex: number, signal?: AbortSignal): Promise<readonly FoundLink[]>;
  /** A link or a namespace that is gone already is a success. */
  deleteFoundLink(found: FoundLink, signal?: AbortSignal): Promise<void>;
}

/** Beside sixteen deletions, one creation and one reading they leave threads of the node plugin's 24 to files. */
const lookUpsAtOnce = 4;

/**
 * Opens the sockets. Raises `NetlinkUnavailable`.
 *
 * They queue apart: creations (0.5 ms each) wait neither for deletions and moves (16 ms) nor for readings. Together they
 * keep at most three of the four threads of libuv's pool, so that files can still be read.
 *
 * A deletion waits 15 ms in the kernel, of which only the first one or two keep others out: `removalsAtOnce` of them may
 * overlap, each on a thread of its own. The pool must have that many beside the four (UV_THREADPOOL_SIZE, set before
 * anything uses it); 20 at once then take 5 ms instead of 170 until half of their nodes are free. Then single links are
 * looked at by a socket of their own, `lookUpsAtOnce` at once: each waits for the network lock that deletions take in
 * turn, and one after the other they would wait for all of these. Dumps cannot overlap on a socket.
 */
export async function openLinks({
  sysRoot = '/sys',
  removalsAtOnce = 1,
}: {
  readonly sysRoot?: string;
  readonly removalsAtOnce?: number;
} = {}): Promise<Links> {
  await using undo = new AsyncDisposableStack();
  const creations = undo.use(new NetlinkSocket({ concurrency: 1 }));
  const removals = undo.use(new NetlinkSocket({ concurrency: removalsAtOnce }));
  const queries = undo.use(new NetlinkSocket({ concurrency: 1, strict: true }));
  const lookUps =
    removalsAtOnce === 1 ? queries : undo.use(new NetlinkSocket({ concurrency: lookUpsAtOnce, strict: true }));
  const readInterfaces = makeInterfaceReader(queries, sysRoot);
  const lookUp = (key: LinkKey) => getLink(lookUps, key);
  const sockets = undo.move();
  return {
    readInterfaces,
    watchInterfaces: (onError, signal) =>
      watchInterfaces({
        read: async (given) => (await readInterfaces(given)).filter((nic) => !isOwnMacvtap(nic)),
        subscribe: (onEvent) => subscribeToInterfaces(onEvent, (error) => onError(MacvtapError.from(error))),
        onError,
        ...(signal !== undefined && { signal }),
      }),
    createMacvtap: (request, signal) => createMacvtap(creations, lookUp, request, signal),
    deleteLink: (ifindex, signal) => deleteLink(removals, ifindex, signal),
    moveLink: (move, signal) => moveLink(removals, lookUp, move, signal),
    getLink: (key, signal) => getLink(lookUps, key, signal),
    getLinkIn: (path, key, signal) => withNetnsID(lookUps, path, (id) => getLink(lookUps, key, signal, id), signal),
    deleteLinkIn: (path, ifindex, signal) =>
      withNetnsID(lookUps, path, (id) => deleteLink(removals, ifindex, signal, id), signal),
    rememberNetns: async (fd, path, signal) => (await findNetnsID(lookUps, fd, path, signal)) !== undefined,
    searchLink: (ifindex, signal) => searchLink(queries, ifindex, signal),
    deleteFoundLink: ({ netnsID, link }, signal) => deleteLink(removals, link.ifindex, signal, netnsID),
    [Symbol.asyncDispose]: () => sockets.disposeAsync(),
  };
}
