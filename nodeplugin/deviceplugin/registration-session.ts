// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path';
import { untilAborted } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { describeFailure, dialSocket } from '../grpc-client.ts';
import type { FailureListener } from './handle-call.ts';
import type { KubeletWatch } from './kubelet-watch.ts';
import { chooseSocketPath, refuseBesideUpstream } from './plugin-sockets.ts';
import { type DevicePluginHandlers, serveDevicePlugin } from './server.ts';
import {
  apiVersion,
  type DevicePluginOptions,
  devicePluginService,
  kubeletSocketName,
  registrationService,
} from './v1beta1.ts';

export interface RegistrationSessionOptions {
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
 * Runs one registration of a resource from start to end, and returns the reason for its end.
 *
 * It checks for the plugin of macvtap-cni, starts the server, probes the server and calls Register. Then it waits until
 * kubelet restarts, closes its stream, or removes the socket.
 *
 * It returns only after the server has stopped. When kubelet sees the end of a stream, it marks all devices of the
 * resource as unhealthy, even those of a new server. It must therefore see the end of the old stream before the next
 * Register.
 */
export async function runRegistrationSession(options: RegistrationSessionOptions): Promise<MacvtapError> {
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
      onError: end,
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
    await untilAborted(scope);
    return MacvtapError.from(scope.reason);
  } catch (thrown) {
    return MacvtapError.from(ending.signal.aborted ? ending.signal.reason : thrown);
  }
}

function restarted({ directory }: KubeletWatch): MacvtapError {
  return new MacvtapError('KubeletDisconnected', `kubelet recreated its socket in ${directory}; registering again`);
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

/**
 * Verifies that the resource's server answers before kubelet connects to it. The first call of a server is the slowest,
 * so the probe also makes kubelet's calls faster. Raises `SelfProbeFailed`.
 */
export async function probeSelf(
  path: string,
  limits: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const { timeoutMs = probeTimeoutMs, signal } = limits;
  using server = dialSocket(path);
  try {
    await server.call(devicePluginService.GetDevicePluginOptions, {}, { timeoutMs, signal });
  } catch (thrown) {
    if (thrown instanceof MacvtapError) throw thrown;
    throw new MacvtapError(
      'SelfProbeFailed',
      `the device plugin's own server on ${path} does not answer (${describeFailure(thrown)}); it is restarted`,
      { facts: { path }, cause: thrown },
    );
  }
}

/**
 * The time limit of the self-probe: half of kubelet's limit for its connection (10 s,
 * devicemanager/plugin/v1beta1/client.go).
 */
const probeTimeoutMs = 5_000;

export interface Registration {
  /** @example 'macvtap.network.kubevirt.io/dataplane' */
  readonly resourceName: string;
  /** The server's socket, in the same directory as kubelet's socket. */
  readonly socketPath: string;
  readonly options: DevicePluginOptions;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Registers a resource. Kubelet connects to the socket before it answers. Raises `KubeletRefused`, `Aborted`. */
export async function registerResource(registration: Registration): Promise<void> {
  const { resourceName, socketPath, options, timeoutMs = registerTimeoutMs, signal } = registration;
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
        "it is tried again; check kubelet's log, and that kubelet and this container see the same directory",
      { facts: { path, resource: resourceName }, cause: thrown },
    );
  }
}

/**
 * The time limit of Register. It exceeds kubelet's limit for its connection (10 s,
 * devicemanager/plugin/v1beta1/client.go), so that kubelet's error arrives.
 */
const registerTimeoutMs = 12_000;
