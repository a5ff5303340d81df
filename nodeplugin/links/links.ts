// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { encodeMoveLink } from '../netlink/link-requests.ts';
import { NetlinkSocket, type Requester } from '../netlink/netlink-socket.ts';
import { createMacvtap, type MacvtapRequest } from './create-macvtap.ts';
import { type FoundLink, getLink, type LinkDetails, type LinkKey, type LinkLookup, searchLink } from './get-link.ts';
import { describesOwnMacvtap, subscribeToInterfaces } from './interface-events.ts';
import { assignNetnsID, withNetnsID } from './netns-id.ts';
import { makeInterfaceReader } from './read-interfaces.ts';
import { createRemover, deleteLink, type RemovalListener } from './remove-links.ts';
import { readTapLinkName } from './tap-node.ts';
import {
  createVlan,
  finishVlan,
  type LinkChange,
  setLink,
  type UnfinishedVlan,
  type VlanRequest,
} from './vlan-link.ts';
import { type InterfaceWatch, watchInterfaces } from './watch-interfaces.ts';

/**
 * The links of the network namespace in which the process called `openLinks`. Every method raises `Aborted` if its
 * signal aborts first. The kernel still carries out requests that were already sent.
 */
export interface Links extends AsyncDisposable {
  readInterfaces(signal?: AbortSignal): Promise<readonly InterfaceFacts[]>;
  /**
   * Watches all links except the node plugin's macvtaps. `onError` is called when a reading fails; the reading is
   * repeated.
   */
  watchInterfaces(onError: (error: MacvtapError) => void, signal?: AbortSignal): Promise<InterfaceWatch>;
  createMacvtap(request: MacvtapRequest, signal?: AbortSignal): Promise<void>;
  /** Creates an 802.1Q VLAN that `isOwnVlan` recognises. */
  createVlan(request: VlanRequest, signal?: AbortSignal): Promise<void>;
  finishVlan(vlan: UnfinishedVlan, signal?: AbortSignal): Promise<void>;
  setLink(change: LinkChange, signal?: AbortSignal): Promise<void>;
  /** Succeeds if the link does not exist. Macvtaps that are deleted at about the same time are deleted together. */
  deleteLink(ifindex: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls the listener with the indexes of links of this namespace that were removed, until disposed. The kernel has
   * then also removed the device node of a macvtap. Without `watchInterfaces`, the listener is never called.
   */
  onRemoval(listener: RemovalListener): Disposable;
  moveLink(move: LinkMove, signal?: AbortSignal): Promise<void>;
  getLink(key: LinkKey, signal?: AbortSignal): Promise<LinkDetails | undefined>;
  /** Reads a link in the namespace at the path. Returns undefined if the link or the namespace does not exist. */
  getLinkIn(netnsPath: string, key: LinkKey, signal?: AbortSignal): Promise<LinkDetails | undefined>;
  /** Deletes a link in the namespace at the path. Succeeds if the link or the namespace does not exist. */
  deleteLinkIn(netnsPath: string, ifindex: number, signal?: AbortSignal): Promise<void>;
  /**
   * Makes `searchLink` include an open namespace for as long as the namespace exists. Returns false if the descriptor
   * is not a network namespace. `path` is used only in errors.
   */
  rememberNetns(netnsFd: number, path: string, signal?: AbortSignal): Promise<boolean>;
  /** Finds the links with this index in all namespaces that were ever accessed, even if their paths are gone. */
  searchLink(ifindex: number, signal?: AbortSignal): Promise<readonly FoundLink[]>;
  /** Succeeds if the link or the namespace does not exist. */
  deleteFoundLink(found: FoundLink, signal?: AbortSignal): Promise<void>;
}

/**
 * How many single links are read at the same time, and how many are created. Together with sixteen deletions and one
 * dump, these requests use 25 of the node plugin's 28 threads. The other threads remain free for files.
 *
 * The kernel makes one link after the other. Several requests still save time: without them, each creation would wait
 * until the main thread has sent it, and the main thread is busy when many pods start at once.
 */
const lookUpsAtOnce = 4;
const creationsAtOnce = 4;

/**
 * Opens the sockets. Raises `NetlinkUnavailable`.
 *
 * Each socket has its own queue. Creations (0.5 ms each) therefore do not wait for deletions and moves (16 ms), or for
 * reads. By default the sockets use at most three of libuv's four threads, so that files can still be read.
 *
 * A deletion takes 15 ms in the kernel, but holds the network lock (rtnl_lock) only for the first millisecond or two.
 * Therefore, `removalsAtOnce` deletions may overlap, each on its own thread. The thread pool must have that many
 * threads in addition to its default four (UV_THREADPOOL_SIZE, set before the pool's first use). With 20 simultaneous
 * deletions, half of the device nodes are then free after 5 ms instead of 170 ms.
 *
 * If deletions overlap, single links are read on a separate socket, `lookUpsAtOnce` at the same time. Each of these
 * requests waits for the network lock, which the deletions take in turn. If the requests ran one after the other, the
 * last one would wait for all deletions. Dumps run one after the other on another socket.
 */
export async function openLinks({
  sysRoot = '/sys',
  removalsAtOnce = 1,
}: {
  readonly sysRoot?: string;
  readonly removalsAtOnce?: number;
} = {}): Promise<Links> {
  await using undo = new AsyncDisposableStack();
  const creations = undo.use(new NetlinkSocket({ concurrency: removalsAtOnce === 1 ? 1 : creationsAtOnce }));
  const removals = undo.use(new NetlinkSocket({ concurrency: removalsAtOnce }));
  const queries = undo.use(new NetlinkSocket({ concurrency: 1, strict: true }));
  const lookUps =
    removalsAtOnce === 1 ? queries : undo.use(new NetlinkSocket({ concurrency: lookUpsAtOnce, strict: true }));
  const readInterfaces = makeInterfaceReader(queries, sysRoot);
  const lookUp = (key: LinkKey) => getLink(lookUps, key);
  const isTap = (ifindex: number) => readTapLinkName(ifindex, sysRoot) !== undefined;
  const removed = createListeners<ReadonlySet<number>>();
  const remove = createRemover(removals, isTap, removed.add);
  const sockets = undo.move();
  return {
    readInterfaces,
    watchInterfaces: (onError, signal) =>
      watchInterfaces({
        read: makeInterfaceReader(queries, sysRoot, (payload) => !describesOwnMacvtap(payload)),
        subscribe: (onEvent) =>
          subscribeToInterfaces(onEvent, (error) => onError(MacvtapError.from(error)), removed.notify),
        onError,
        ...(signal !== undefined && { signal }),
      }),
    createMacvtap: (request, signal) => createMacvtap(creations, lookUp, request, signal),
    createVlan: (request, signal) => createVlan(removals, lookUp, request, signal),
    finishVlan: (vlan, signal) => finishVlan(removals, lookUp, vlan, signal),
    setLink: (change, signal) => setLink(removals, change, signal),
    deleteLink: remove,
    onRemoval: removed.add,
    moveLink: (move, signal) => moveLink(removals, lookUp, move, signal),
    getLink: (key, signal) => getLink(lookUps, key, signal),
    getLinkIn: (path, key, signal) => withNetnsID(lookUps, path, (id) => getLink(lookUps, key, signal, id), signal),
    deleteLinkIn: (path, ifindex, signal) =>
      withNetnsID(lookUps, path, (id) => deleteLink(removals, ifindex, signal, id), signal),
    rememberNetns: (fd, path, signal) => assignNetnsID(lookUps, fd, path, signal),
    searchLink: (ifindex, signal) => searchLink(queries, ifindex, signal),
    deleteFoundLink: ({ netnsID, link }, signal) => deleteLink(removals, link.ifindex, signal, netnsID),
    [Symbol.asyncDispose]: () => sockets.disposeAsync(),
  };
}

export interface LinkMove {
  readonly ifindex: number;
  /** An open descriptor of the target namespace. */
  readonly netnsFd: number;
  /** The name in the target namespace. The link keeps its current name by default. */
  readonly name?: string;
  /** The index in the target namespace. The link keeps its current index by default; the kernel never chooses one. */
  readonly newIfindex?: number;
}

/**
 * Moves a link to another namespace, where it starts out down. A moved macvtap gets a new device node. The kernel first
 * moves the link and then renames it. If only the new name is taken, the link has already moved under its old name. The
 * error's `facts.moved` is then true.
 *
 * Raises `LinkGone`, `IfindexTaken`, `LinkNameTaken`, `LinkNameInvalid`, `MissingCapability` and `NetlinkRefused`.
 */
export async function moveLink(
  socket: Requester,
  lookUp: LinkLookup,
  move: LinkMove,
  signal?: AbortSignal,
): Promise<void> {
  const reply = await socket.request(encodeMoveLink(move), signal);
  if (reply.errno === 0) return;
  const errno = nameErrno(reply.errno);
  const { ifindex, name, newIfindex } = move;
  const moved = errno === 'EEXIST' && (await lookUp({ ifindex })) === undefined;
  const [code, next] = explain(errno, moved);
  const as = `${name === undefined ? '' : ` as ${name}`} with ifindex ${newIfindex ?? ifindex}`;
  const text = reply.text ?? describeErrno(reply.errno);
  throw new MacvtapError(
    code,
    `cannot move the link with ifindex ${ifindex} to another network namespace${as}: ${text}; ${next}`,
    { facts: { ifindex, name, newIfindex, moved, errno } },
  );
}

function explain(errno: string, moved: boolean): readonly [code: ErrorCode, next: string] {
  switch (errno) {
    case 'ENODEV':
      return ['LinkGone', 'the link is gone'];
    case 'EBUSY':
      return ['IfindexTaken', 'a link of that namespace has the index: choose another'];
    case 'EEXIST':
      return moved
        ? ['LinkNameTaken', 'a link of that namespace has the name; the link has moved and kept its old name']
        : ['LinkNameTaken', 'a link of that namespace has the name: choose another'];
    case 'ERANGE':
      return ['LinkNameInvalid', 'choose a name of at most 15 bytes'];
    case 'EPERM':
      return ['MissingCapability', 'give the process CAP_NET_ADMIN in both namespaces'];
    default:
      return ['NetlinkRefused', "see the kernel's text"];
  }
}
