// SPDX-License-Identifier: Apache-2.0
import { libc, watchReadable } from './libc.ts';
import { decodeMessages, type NetlinkMessage } from './message.ts';
import { makeReceiver, openDescriptor } from './socket-descriptor.ts';

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
