// SPDX-License-Identifier: Apache-2.0
import { RTM_DELADDR, RTM_NEWADDR } from '../netlink/address-message.ts';
import { RTM_DELLINK, RTM_NEWLINK } from '../netlink/link-message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { openEvents } from '../netlink/open-events.ts';
import { decodeRoute, isMainDefaultRoute, RTM_DELROUTE, RTM_NEWROUTE } from '../netlink/route-message.ts';

/**
 * Calls back whenever what the facts are made of may have changed, also when events were lost or cannot be read: only
 * a new reading tells. An alternative name that a link gets while it is down is the one change without an event
 * (netdev_state_change, net/core/dev.c); the next event of any link shows it. Raises `NetlinkUnavailable`.
 */
export function subscribeToInterfaces(onEvent: () => void, onError: (error: unknown) => void): Disposable {
  return openEvents({
    onMessages: (messages) => {
      if (messages.some(isRelevant)) onEvent();
    },
    onLost: onEvent,
    onError: (error) => {
      onError(error);
      onEvent();
    },
  });
}

/** A routing daemon sends thousands of routes; only default routes are facts. */
function isRelevant({ type, payload }: NetlinkMessage): boolean {
  if (type === RTM_NEWROUTE || type === RTM_DELROUTE) return isMainDefaultRoute(decodeRoute(payload));
  return type === RTM_NEWLINK || type === RTM_DELLINK || type === RTM_NEWADDR || type === RTM_DELADDR;
}
