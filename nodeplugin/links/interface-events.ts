// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { isLinkName } from '../../policy/device/device-id.ts';
import { blankAttributes, decodeString, seekAttribute } from '../netlink/attributes.ts';
import {
  decodeRoute,
  isIPv6LinkLocal,
  isMainDefaultRoute,
  RTM_DELADDR,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWROUTE,
} from '../netlink/ip-message.ts';
import { libc, watchReadable } from '../netlink/libc.ts';
import {
  decodeIfindex,
  decodeLink,
  IFLA,
  IFLA_INFO,
  ifinfomsgLength,
  RTM_DELLINK,
  RTM_NEWLINK,
} from '../netlink/link-message.ts';
import { decodeMessages, type NetlinkMessage } from '../netlink/message.ts';
import { makeReceiver, openDescriptor } from '../netlink/socket-descriptor.ts';
import type { RemovalListener } from './remove-links.ts';

/**
 * Calls `onEvent` when the facts about interfaces may have changed, including when events were lost or could not be
 * read. The caller must then read the interfaces again. Raises `NetlinkUnavailable`.
 *
 * `onRemoved` is called with the indexes of removed links of the namespace, including the node plugin's macvtaps.
 *
 * One change causes no event: an alternative name that a link gets while it is down (netdev_state_change,
 * net/core/dev.c). The caller sees that name only after the next event.
 */
export function subscribeToInterfaces(
  onEvent: () => void,
  onError: (error: unknown) => void,
  onRemoved: RemovalListener = () => {},
): Disposable {
  let isNews = createNewsFilter();
  // A new filter is needed, because the lost events may have made the old filter's state outdated.
  const startAnew = () => {
    isNews = createNewsFilter();
    onEvent();
  };
  return openEvents({
    onMessages: (messages) => {
      const removed = messages.filter(({ type }) => type === RTM_DELLINK).map(({ payload }) => decodeIfindex(payload));
      if (removed.length > 0) onRemoved(new Set(removed));
      // `filter` is used instead of `some`, because `isNews` must be called for every message.
      if (messages.filter((message) => isNews(message)).length > 0) onEvent();
    },
    onLost: startAnew,
    onError: (error) => {
      onError(error);
      startAnew();
    },
  });
}

/**
 * Creates a filter that drops frequent events that do not change the watched facts, because each event that passes
 * causes a reading of all interfaces. It drops:
 * - The node plugin's macvtaps. The watch leaves them out, and each Allocate creates one.
 * - Unchanged links. Whenever a link is created, the kernel also sends an event for its parent.
 * - New IPv6 link-local addresses, which are not among the facts. The kernel adds one to each link that comes up. The
 *   removal of an address is not dropped, because it can remove a default route without another event.
 * - Routes that are not default routes. A routing daemon can change thousands of them.
 */
export function createNewsFilter(): (message: NetlinkMessage) => boolean {
  const lastSeen = new Map<number, Uint8Array>();
  return ({ type, payload }) => {
    switch (type) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return isMainDefaultRoute(decodeRoute(payload));
      case RTM_NEWADDR:
        return !isIPv6LinkLocal(payload);
      case RTM_DELADDR:
        return true;
      case RTM_NEWLINK: {
        if (describesOwnMacvtap(payload)) return false;
        const ifindex = decodeIfindex(payload);
        const [before, now] = [lastSeen.get(ifindex), withoutCounters(payload)];
        lastSeen.set(ifindex, now);
        return before === undefined || !isSameLink(before, now);
      }
      case RTM_DELLINK: {
        lastSeen.delete(decodeIfindex(payload));
        return !describesOwnMacvtap(payload);
      }
      default:
        return false;
    }
  };
}

/** The attributes whose values are facts. */
const facts: ReadonlySet<number> = new Set(Object.values(IFLA).filter((type) => type !== IFLA.STATS64));

/** Copies a link message with zeros in place of counters, which change all the time, and of other values. */
function withoutCounters(payload: Uint8Array): Uint8Array {
  const copy = new Uint8Array(payload);
  blankAttributes(copy, facts, ifinfomsgLength);
  return copy;
}

/** Compares the bytes first, which is faster than decoding, because most events of a parent repeat the last one. */
function isSameLink(before: Uint8Array, now: Uint8Array): boolean {
  return Buffer.compare(before, now) === 0 || isDeepStrictEqual(decodeLink(before), decodeLink(now));
}

/**
 * Returns whether a link in the node's namespace is a macvtap of the node plugin. The interface watch leaves these
 * macvtaps out, because each allocation creates and removes one. `readInterfaces` includes them.
 */
export function isOwnMacvtap({ name, kind }: { readonly name: string; readonly kind?: string | undefined }): boolean {
  return kind === 'macvtap' && isLinkName(name);
}

/**
 * Returns the same for the payload of a link message, without decoding the whole message. Each creation of a macvtap
 * causes several messages, and a dump contains one for each macvtap. Raises `NetlinkMalformed`.
 */
export function describesOwnMacvtap(payload: Uint8Array): boolean {
  const name = seekAttribute(payload, IFLA.IFNAME, ifinfomsgLength);
  if (name === undefined || !isLinkName(decodeString(name))) return false;
  const info = seekAttribute(payload, IFLA.LINKINFO, ifinfomsgLength);
  const kind = info && seekAttribute(info, IFLA_INFO.KIND);
  return kind !== undefined && decodeString(kind) === 'macvtap';
}

/** RTMGRP_*, linux/rtnetlink.h. */
export const groups = {
  link: 0x1,
  ipv4Address: 0x10,
  ipv4Route: 0x40,
  ipv6Address: 0x100,
  ipv6Route: 0x400,
} as const;

export interface EventListener {
  /** Called with the messages of a datagram. Their payloads are valid until the call returns. */
  readonly onMessages: (messages: readonly NetlinkMessage[]) => void;
  /** Called when events were lost. The listener then needs a new dump to get the current state. */
  readonly onLost: (detail: string) => void;
  /** Called when reading or decoding failed. Later events are still delivered. */
  readonly onError: (error: unknown) => void;
}

/**
 * Delivers the events of all `groups` in the process's network namespace, until disposed. Raises `NetlinkUnavailable`.
 */
export function openEvents(listener: EventListener): Disposable {
  const mask = Object.values(groups).reduce((sum, group) => sum | group, 0);
  // The buffer has room for several hundred events. The kernel limits it to net.core.rmem_max. An overrun causes only
  // another dump.
  const fd = openDescriptor({ receiveBufferBytes: 1024 * 1024, groups: mask });
  const receive = makeReceiver(fd);
  let open = true;
  const watch = watchReadable(fd, () => deliver(receive, listener, () => open));
  return {
    [Symbol.dispose]: () => {
      if (!open) return;
      open = false;
      watch[Symbol.dispose]();
      libc.close(fd);
    },
  };
}

function deliver(receive: ReturnType<typeof makeReceiver>, listener: EventListener, isOpen: () => boolean): void {
  try {
    // Checked before each read: the listener may have closed the descriptor, and another file may now have its number.
    while (isOpen()) {
      const received = receive();
      if (received.kind === 'empty') return;
      if (received.kind === 'lost') listener.onLost(received.detail);
      else listener.onMessages(decodeMessages(received.bytes));
    }
  } catch (thrown) {
    listener.onError(thrown);
  }
}
