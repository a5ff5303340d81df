// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { type Device, type DeviceList, toListAndWatchResponse } from './device-list.ts';
import type { ListAndWatchResponse } from './v1beta1.ts';

/** Where messages go: a gRPC stream. `written` is called when the message has left, and the next may follow. */
export interface DeviceSink {
  write(message: ListAndWatchResponse, written: () => void): void;
}

/**
 * Sends the list to one consumer: the current one at once, then each change once. While a message is on its way the list
 * may change many times; only the newest state follows, and none if that is what the consumer has already.
 * Ends when disposed.
 */
export function followDevices(list: DeviceList, sink: DeviceSink): Disposable {
  let sent: readonly Device[] | undefined;
  let writing = false;
  const send = (): void => {
    if (writing || (sent !== undefined && isDeepStrictEqual(sent, list.current))) return;
    writing = true;
    sent = list.current;
    sink.write(toListAndWatchResponse(sent), () => {
      writing = false;
      if (open) send();
    });
  };
  let open = true;
  const subscription = list.subscribe(send);
  send();
  return {
    [Symbol.dispose]: () => {
      open = false;
      subscription[Symbol.dispose]();
    },
  };
}
