// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { RTM_DELADDR, RTM_NEWADDR } from '../netlink/address-message.ts';
import { decodeLink, type LinkMessage, RTM_DELLINK, RTM_NEWLINK } from '../netlink/link-message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { openEvents } from '../netlink/open-events.ts';
import { decodeRoute, isMainDefaultRoute, RTM_DELROUTE, RTM_NEWROUTE } from '../netlink/route-message.ts';
import { isOwnMacvtap } from './own-macvtap.ts';

/**
 * Calls back whenever what the facts are made of may have changed, also when events were lost or cannot be read: only
 * a new reading tells. An alternative name that a link gets while it is down is the one change without an event
 * (netdev_state_change, net/core/dev.c); the next event of any link shows it. Raises `NetlinkUnavailable`.
 */
export function subscribeToInterfaces(onEvent: () => void, onError: (error: unknown) => void): Disposable {
  let isNews = createNewsFilter();
  // What the filter last saw of a link may be older than what was lost.
  const startAnew = () => {
    isNews = createNewsFilter();
    onEvent();
  };
  return openEvents({
    onMessages: (messages) => {
      // Each of them, even after one that counts: the filter learns from all.
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
 * Tells what may have changed a fact from what has not, because a reading of everything is dear:
 * - Our own macvtaps are no facts, and each Allocate makes one.
 * - The kernel announces a parent again whenever something is made on it, with nothing new to say.
 * - A routing daemon sends thousands of routes; only default routes are facts.
 */
function createNewsFilter(): (message: NetlinkMessage) => boolean {
  const lastSeen = new Map<number, LinkMessage>();
  return ({ type, payload }) => {
    switch (type) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return isMainDefaultRoute(decodeRoute(payload));
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return true;
      case RTM_NEWLINK: {
        const link = decodeLink(payload);
        const before = lastSeen.get(link.ifindex);
        if (isOwnMacvtap(link)) return false;
        lastSeen.set(link.ifindex, link);
        return !isDeepStrictEqual(link, before);
      }
      case RTM_DELLINK: {
        const link = decodeLink(payload);
        lastSeen.delete(link.ifindex);
        return !isOwnMacvtap(link);
      }
      default:
        return false;
    }
  };
}
