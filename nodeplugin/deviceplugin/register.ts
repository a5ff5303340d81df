// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeFailure, dialSocket } from '../grpc/dial-socket.ts';
import { apiVersion, type DevicePluginOptions, kubeletSocketName, registrationService } from './v1beta1.ts';

export interface Registration {
  /** @example 'macvtap.network.kubevirt.io/dataplane' */
  readonly resourceName: string;
  /** The served socket, in the directory that holds kubelet's. */
  readonly socketPath: string;
  readonly options: DevicePluginOptions;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Tells kubelet of a resource; kubelet dials the socket before it answers. Raises `KubeletRefused`, `Aborted`. */
export async function registerResource(registration: Registration): Promise<void> {
  const { resourceName, socketPath, options, timeoutMs = defaultTimeoutMs, signal } = registration;
  const path = join(dirname(socketPath), kubeletSocketName);
  using kubelet = dialSocket(path);
  const request = { version: apiVersion, endpoint: basename(socketPath), resource_name: resourceName, options };
  try {
    await kubelet.call(registrationService.Register, request, { timeoutMs, signal });
  } catch (thrown) {
    if (thrown instanceof MacvtapError) throw thrown;
    throw new MacvtapError(
      'KubeletRefused',
      `kubelet on ${path} did not register ${resourceName} (${describeFailure(thrown)}); ` +
        "it is asked again by and by: see kubelet's log, and that kubelet sees this directory under the same sockets",
      { facts: { path, resource: resourceName }, cause: thrown },
    );
  }
}

/** More than the 10 s in which kubelet dials back (devicemanager/plugin/v1beta1/client.go), so that its own error arrives. */
const defaultTimeoutMs = 12_000;
