// SPDX-License-Identifier: Apache-2.0
import { chmod } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceList } from './device-list.ts';
import { answerUnary, createStreamGroup, type FailureListener } from './handle-call.ts';
import { followDevices } from './list-and-watch.ts';
import {
  type AllocateRequest,
  type AllocateResponse,
  type DevicePluginOptions,
  devicePluginService,
  type Empty,
  type ListAndWatchResponse,
  type PreferredAllocationRequest,
  type PreferredAllocationResponse,
  type PreStartContainerRequest,
} from './v1beta1.ts';

// What goes wrong reaches the caller as an error; gRPC's own lines on standard error would only repeat it.
setLogVerbosity(logVerbosity.NONE);

/** The scope of one call: ends when kubelet gives up or the server stops. */
interface CallScope {
  readonly signal: AbortSignal;
}

/**
 * What one resource does. Requests arrive as kubelet sent them: lists may be empty, device IDs may be anything. A
 * MacvtapError that is thrown reaches kubelet with its message.
 */
export interface DevicePluginHandlers {
  readonly options: DevicePluginOptions;
  readonly list: DeviceList;
  allocate(request: AllocateRequest, scope: CallScope): AllocateResponse | Promise<AllocateResponse>;
  preferredAllocation(
    request: PreferredAllocationRequest,
  ): PreferredAllocationResponse | Promise<PreferredAllocationResponse>;
  preStartContainer(request: PreStartContainerRequest, scope: CallScope): void | Promise<void>;
}

export interface ServeOptions {
  readonly path: string;
  readonly handlers: DevicePluginHandlers;
  readonly onFailure?: FailureListener | undefined;
  /** The peer closed the last ListAndWatch stream; not called for those that `stop` ends. */
  readonly onDisconnect?: (() => void) | undefined;
}

/** A resource's server on its own socket, which is gone once the server has stopped. */
export interface DevicePluginServer extends AsyncDisposable {
  readonly path: string;
  /** Streams end first, calls in flight are told to end and may still answer for a moment, then all is closed. */
  stop(): Promise<void>;
}

/** Serves until stopped. Raises `SocketFailed`. */
export async function serveDevicePlugin(options: ServeOptions): Promise<DevicePluginServer> {
  const { path, handlers, onFailure = () => {}, onDisconnect = () => {} } = options;
  const stopping = new AbortController();
  const streams = createStreamGroup<Empty, ListAndWatchResponse>(
    (stream) => followDevices(handlers.list, { write: (message, written) => stream.write(message, written) }),
    onDisconnect,
  );
  // Not with grpc.enable_channelz 0: forceShutdown finds open connections through channelz and would leave them all.
  const server = new Server();
  server.addService(devicePluginService, {
    ...implement(handlers, stopping.signal, onFailure),
    ListAndWatch: streams.handler,
  });
  await bind(server, path);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      stopping.abort(new MacvtapError('Aborted', `the server on ${path} stops`));
      streams.end();
      await shutDown(server);
    })();
    return stopped;
  };
  return { path, stop, [Symbol.asyncDispose]: stop };
}

function implement(
  handlers: DevicePluginHandlers,
  stopping: AbortSignal,
  onFailure: FailureListener,
): UntypedServiceImplementation {
  const answer = <Request, Response>(handle: (request: Request, signal: AbortSignal) => Response | Promise<Response>) =>
    answerUnary(handle, stopping, onFailure);
  return {
    GetDevicePluginOptions: answer((_: Empty) => handlers.options),
    GetPreferredAllocation: answer((request: PreferredAllocationRequest) => handlers.preferredAllocation(request)),
    Allocate: answer((request: AllocateRequest, signal) => handlers.allocate(request, { signal })),
    PreStartContainer: answer(async (request: PreStartContainerRequest, signal) => {
      await handlers.preStartContainer(request, { signal });
      return {};
    }),
  };
}

async function bind(server: Server, path: string): Promise<void> {
  try {
    await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
    // Kubelet runs as root; nobody else has business here.
    await chmod(path, 0o600);
  } catch (thrown) {
    server.forceShutdown();
    const { message } = MacvtapError.from(thrown);
    throw new MacvtapError(
      'SocketFailed',
      `cannot serve on ${path}: ${message}; check that its directory is kubelet's and writable`,
      {
        facts: { path },
        cause: thrown,
      },
    );
  }
}

/** `tryShutdown` alone waits for ever for a call that hangs; `forceShutdown` alone cuts answers that are on their way. */
async function shutDown(server: Server): Promise<void> {
  const timer = new AbortController();
  const graceful = promisify(server.tryShutdown.bind(server))();
  await Promise.race([graceful, sleep(graceMs, undefined, { signal: timer.signal })]).catch(() => {});
  timer.abort();
  server.forceShutdown();
}

/** A quarter of the second in which the process has to end on SIGTERM. */
const graceMs = 250;
