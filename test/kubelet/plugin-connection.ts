// SPDX-License-Identifier: Apache-2.0
import {
  type DevicePluginOptions,
  devicePluginService,
  type ListAndWatchResponse,
} from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket, type SocketClient } from '../../nodeplugin/grpc-client.ts';

/** Kubelet's side of one registered plugin. */
export interface PluginConnection {
  readonly socket: SocketClient;
  readonly options: DevicePluginOptions;
  /** Opens ListAndWatch and keeps the stream open. `onEnd` is called once, whichever side ended the stream. */
  follow(onList: (response: ListAndWatchResponse) => void, onEnd: () => void): void;
  close(): void;
}

/**
 * Connects as kubelet does: dials (10 s, WithBlock) and requests the options (devicemanager/plugin/v1beta1/client.go,
 * manager.go).
 */
export async function connectPlugin(path: string, timeoutMs: number): Promise<PluginConnection> {
  const socket = dialSocket(path);
  try {
    const options = await socket.call(devicePluginService.GetDevicePluginOptions, {}, { timeoutMs });
    return { socket, options, ...following(socket) };
  } catch (thrown) {
    socket[Symbol.dispose]();
    throw thrown;
  }
}

function following(socket: SocketClient): Pick<PluginConnection, 'follow' | 'close'> {
  let cancel = (): void => {};
  return {
    follow: (onList, onEnd) => {
      const { path, requestSerialize, responseDeserialize } = devicePluginService.ListAndWatch;
      const stream = socket.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
      cancel = () => stream.cancel();
      stream.on('data', onList);
      stream.on('error', () => {});
      stream.once('close', onEnd);
    },
    close: () => {
      cancel();
      socket[Symbol.dispose]();
    },
  };
}
