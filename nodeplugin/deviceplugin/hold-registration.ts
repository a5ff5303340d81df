// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import type { FailureListener } from './handle-call.ts';
import type { KubeletWatch } from './kubelet-watch.ts';
import { refuseBesideUpstream } from './refuse-beside-upstream.ts';
import { registerResource } from './register.ts';
import { probeSelf } from './self-probe.ts';
import { type DevicePluginHandlers, serveDevicePlugin } from './server.ts';
import { chooseSocketPath } from './socket-path.ts';

export interface HoldOptions {
  readonly name: string;
  readonly resourceName: string;
  readonly startId: string;
  readonly kubelet: KubeletWatch;
  readonly handlers: DevicePluginHandlers;
  readonly signal: AbortSignal;
  readonly onRegistered: () => void;
  readonly onFailure?: FailureListener | undefined;
  readonly registerTimeoutMs?: number | undefined;
}

/**
 * One registration from its beginning to its end: look that nobody else serves the resource → serve → self-probe → Register, then stay until kubelet is another one,
 * lets go, or the socket vanishes. Returns why it ended, when the server is gone: kubelet must see the end of an old
 * stream before it hears of the new server, because the end makes the resource's devices unhealthy whoever serves them.
 */
export async function holdRegistration(options: HoldOptions): Promise<MacvtapError> {
  const { name, resourceName, startId, kubelet, handlers, signal, onRegistered, onFailure, registerTimeoutMs } =
    options;
  const { incarnation, absence } = kubelet.sighting;
  if (incarnation === undefined) return absence;
  const ending = new AbortController();
  const end = (error: MacvtapError): void => ending.abort(error);
  const scope = AbortSignal.any([signal, ending.signal]);
  try {
    using _kubelet = kubelet.subscribe((event) => end(event.type === 'gone' ? event.error : restarted(kubelet)));
    await refuseBesideUpstream(kubelet.directory, name);
    const path = chooseSocketPath(kubelet.directory, name, startId);
    await using server = await serveDevicePlugin({
      path,
      handlers,
      onFailure,
      onDisconnect: () => end(letGo(resourceName)),
    });
    using _socket = kubelet.watchSocket(path, () => end(vanished(path)));
    await probeSelf(path, { signal: scope });
    faultPoint('server-ready');
    await registerResource({
      resourceName,
      socketPath: server.path,
      options: handlers.options,
      timeoutMs: registerTimeoutMs,
      signal: scope,
    });
    faultPoint('server-registered');
    onRegistered();
    await ended(scope);
    return MacvtapError.from(scope.reason);
  } catch (thrown) {
    return MacvtapError.from(ending.signal.aborted ? ending.signal.reason : thrown);
  }
}

function ended(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

function restarted({ directory }: KubeletWatch): MacvtapError {
  return new MacvtapError('KubeletDisconnected', `kubelet made its socket in ${directory} anew; registering again`);
}

function letGo(resourceName: string): MacvtapError {
  return new MacvtapError(
    'KubeletDisconnected',
    `kubelet no longer follows the devices of ${resourceName}; registering again`,
  );
}

function vanished(path: string): MacvtapError {
  return new MacvtapError('SocketFailed', `the socket ${path} was removed; serving on a new one and registering again`);
}
