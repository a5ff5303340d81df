// SPDX-License-Identifier: Apache-2.0

import type { WantedLink } from '../../policy/device/decide-link.ts';
import type { DraParent, DraResource } from '../../policy/plan/dra-devices.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { type Links, openLinks } from './links.ts';
import { readBusFacts } from './read-interfaces.ts';
import { isTapLinkDown, readTapNode, type TapNode } from './tap-node.ts';
import type { InterfaceWatch } from './watch-interfaces.ts';

/** The node's links, and the current facts about its interfaces. */
export interface NodeLinks extends AsyncDisposable {
  readonly links: Links;
  /** The links with their taps, for allocations. */
  readonly tapLinks: Links & { readonly readTapNode: typeof readTapNode; readonly knownTaps: KnownTaps };
  readonly interfaces: InterfaceWatch;
  readonly support: MacvtapSupport;
  /** Returns the current facts about the node's interface with that name. */
  findInterface(name: string): InterfaceFacts | undefined;
}

export interface NodeLinksOptions {
  readonly signal: AbortSignal;
  /** Called with the macvtap support, before interfaces are read. */
  readonly onSupport: (support: MacvtapSupport) => Disposable;
  /** Called with each failure of a method of `links`. */
  readonly onError: (error: MacvtapError) => void;
  /** Called when reading the interfaces fails. The reading is repeated. */
  readonly onUnread: (error: MacvtapError) => void;
}

/** How many deletions may overlap. main.ts gives libuv more threads than that, so that files can still be read. */
const removalsAtOnce = 16;

/**
 * Opens the links of the process's network namespace and watches them. Raises `NetlinkUnavailable` and
 * `MissingCapability`.
 */
export async function openNodeLinks({ signal, onSupport, onError, onUnread }: NodeLinksOptions): Promise<NodeLinks> {
  await using undo = new AsyncDisposableStack();
  const opened = undo.use(await openLinks({ removalsAtOnce }));
  const support = undo.use(await watchMacvtapSupport({ links: opened, signal }));
  undo.use(onSupport(support));
  const links = observeLinks(opened, onError);
  const interfaces = undo.use(await links.watchInterfaces(onUnread));
  const held = undo.move();
  return {
    links,
    tapLinks: { ...links, readTapNode, knownTaps: createKnownTaps() },
    interfaces,
    support,
    findInterface: (name) => interfaces.current.find((nic) => nic.name === name),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/**
 * The links that this process created or checked before. Their taps identify them without a request for the link, which
 * would wait for the network lock (rtnl_lock) on another thread.
 */
export interface KnownTaps {
  /** Remembers that the tap belongs to this link. */
  note(link: WantedLink, tap: TapNode): void;
  /**
   * Returns whether the tap belongs to exactly this link, and the link is down. The mode is not read again: only an
   * administrator could have changed it, and ADD creates the pod's link with the right mode in any case.
   */
  has(link: WantedLink, tap: TapNode): boolean;
}

/** The maximum number of remembered links. Without this limit, renamed resources would use up memory over time. */
const mostKnown = 4_096;

/** Creates an empty memory, which forgets the oldest links above its limit. */
export function createKnownTaps(sysRoot = '/sys'): KnownTaps {
  const known = new Map<number, { readonly linkInode: number; readonly link: WantedLink }>();
  return {
    note(link, { linkInode }) {
      if (linkInode === undefined) return;
      known.delete(link.ifindex);
      known.set(link.ifindex, { linkInode, link });
      for (const oldest of known.keys()) if (known.size > mostKnown) known.delete(oldest);
    },
    has(link, { linkInode, matches }) {
      const before = known.get(link.ifindex);
      if (before === undefined || !matches || before.linkInode !== linkInode) return false;
      const { name, parentIfindex, mode } = before.link;
      const isSame = name === link.name && parentIfindex === link.parentIfindex && mode === link.mode;
      return isSame && isTapLinkDown(link, sysRoot);
    },
  };
}

type Method = (...args: never[]) => Promise<unknown>;

/** Wraps links so that `onError` gets every failure except `Aborted`. */
export function observeLinks(links: Links, onError: (error: MacvtapError) => void): Links {
  const observe = (method: Method): Method => {
    return async (...args) => {
      try {
        return await method(...args);
      } catch (thrown) {
        const error = MacvtapError.from(thrown);
        if (error.code !== 'Aborted') onError(error);
        throw thrown;
      }
    };
  };
  const methods = Object.entries(links as unknown as Readonly<Record<string, Method>>);
  const observed = Object.fromEntries(methods.map(([name, method]) => [name, observe(method)]));
  return { ...links, ...observed, onRemoval: links.onRemoval };
}

/** The kernel's support for macvtap. */
export interface MacvtapSupport extends AsyncDisposable {
  readonly isThere: boolean;
  /** Calls the listener when the kernel starts to support macvtap, until the returned object is disposed. */
  onChange(listener: () => void): Disposable;
}

export interface MacvtapSupportOptions {
  readonly links: Pick<Links, 'createMacvtap'>;
  readonly signal: AbortSignal;
  readonly lookMs?: number;
}

/**
 * The default interval between probes. It is short, because a user who loads the module waits for the effect, and a
 * probe needs only one netlink message.
 */
const defaultLookMs = 5_000;

/**
 * Probes for macvtap support. If there is none, repeats the probe until the module is loaded. Support does not
 * disappear again, because the kernel reloads an unloaded module by itself. Raises the errors of `createMacvtap`, for
 * example `MissingCapability`.
 */
export async function watchMacvtapSupport(options: MacvtapSupportOptions): Promise<MacvtapSupport> {
  const { links, signal, lookMs = defaultLookMs } = options;
  let isThere = await probeMacvtap(links, signal);
  const listeners = createListeners();
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    // Other errors do not show whether the kernel has macvtap. The probe is repeated after them.
    const found = await probeMacvtap(links, signal).catch(() => false);
    if (!found || isThere || signal.aborted) return;
    isThere = true;
    clearInterval(timer);
    listeners.notify();
  };
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, lookMs);
  if (isThere) clearInterval(timer);
  return {
    get isThere() {
      return isThere;
    },
    onChange: listeners.add,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** The highest possible link index. A link has this index only if it was created with exactly this index. */
const noLink = 0x7fff_ffff;

/**
 * Returns whether the kernel can create a macvtap. Raises the errors of `createMacvtap`, for example
 * `MissingCapability`.
 *
 * The probe requests a macvtap on a parent that does not exist, so no link is created. The kernel checks the link kind
 * first (EOPNOTSUPP) and the parent second (ENODEV). The request also makes the kernel load the module, if the module
 * is available.
 */
export async function probeMacvtap(links: Pick<Links, 'createMacvtap'>, signal?: AbortSignal): Promise<boolean> {
  try {
    await links.createMacvtap({ name: 'mvtprobe', parentIfindex: noLink, mode: 'bridge' }, signal);
  } catch (thrown) {
    if (thrown instanceof MacvtapError && thrown.code === 'ParentGone') return true;
    if (thrown instanceof MacvtapError && thrown.code === 'MacvtapUnsupported') return false;
    throw thrown;
  }
  throw new MacvtapError(
    'Unexpected',
    `a link with ifindex ${noLink} exists and now has the macvtap mvtprobe; delete it`,
  );
}

/**
 * Creates a function that adds the facts about each resource's parent, as ResourceSlices need them. The function
 * remembers since when a parent has had no carrier, and the last facts of a parent.
 */
export function createParentReader(findInterface: (name: string) => InterfaceFacts | undefined) {
  const lostSince = new Map<string, number>();
  const last = new Map<string, Omit<DraParent, 'isGone' | 'lostForMs'>>();
  return async (resources: readonly PlannedResource[]): Promise<readonly DraResource[]> => {
    const parents = new Set(resources.map(({ parent }) => parent));
    for (const kept of [lostSince, last]) for (const name of kept.keys()) if (!parents.has(name)) kept.delete(name);
    return await Promise.all(
      resources.map(async (resource) => {
        const { parent: name } = resource;
        const nic = findInterface(name);
        if (nic?.carrier) lostSince.delete(name);
        else lostSince.getOrInsert(name, performance.now());
        const since = lostSince.get(name);
        const lost = since === undefined ? {} : { lostForMs: performance.now() - since };
        if (nic !== undefined) last.set(name, { nic, ...(await readBusFacts(nic)) });
        return { resource, parent: { nic, ...last.get(name), ...(nic === undefined && { isGone: true }), ...lost } };
      }),
    );
  };
}
