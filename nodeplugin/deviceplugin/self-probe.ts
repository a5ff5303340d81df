// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeFailure, dialSocket } from '../grpc/dial-socket.ts';
import { devicePluginService } from './v1beta1.ts';

/**
 * Proves that our own server answers before kubelet is asked to dial it, and takes the cost of the first call. Raises
 * `SelfProbeFailed`.
 */
export async function probeSelf(
  path: string,
  limits: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const { timeoutMs = defaultTimeoutMs, signal } = limits;
  using server = dialSocket(path);
  try {
    await server.call(devicePluginService.GetDevicePluginOptions, {}, { timeoutMs, signal });
  } catch (thrown) {
    if (thrown instanceof MacvtapError) throw thrown;
    throw new MacvtapError(
      'SelfProbeFailed',
      `the device plugin's own server on ${path} does not answer (${describeFailure(thrown)}); it is served again`,
      { facts: { path }, cause: thrown },
    );
  }
}

/** Half of what kubelet grants its own dial (10 s, devicemanager/plugin/v1beta1/client.go): slower is not worth a try. */
const defaultTimeoutMs = 5_000;
