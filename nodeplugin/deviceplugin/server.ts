// SPDX-License-Identifier: Apache-2.0
import { chmod } from 'node:fs/promises';
import type { Http2Server, Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
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
import { connectionsWithin, limitConnections } from '../../runtime/limit-connections.ts';
import { type DeviceList, followDevices } from './device-list.ts';
import { answerUnary, createStreamGroup, type FailureListener } from './handle-call.ts';
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

// Disables gRPC's own log lines on standard error. They would only repeat errors that the callers get anyway.
setLogVerbosity(logVerbosity.NONE);

/** The scope of one call. Its signal aborts when kubelet cancels the call or the server stops. */
interface CallScope {
  readonly signal: AbortSignal;
}

/**
 * The handlers of one resource. Requests are not validated: lists may be empty, and device IDs may be any text. A
 * thrown MacvtapError reaches kubelet with its message.
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
  /** Called when the peer has closed the last ListAndWatch stream, but not when `stop` ends the streams. */
  readonly onDisconnect?: (() => void) | undefined;
  /** Called when connections can no longer be accepted. */
  readonly onError?: ((error: MacvtapError) => void) | undefined;
}

/** A resource's server on its own socket. Stopping it also removes the socket. */
export interface DevicePluginServer extends AsyncDisposable {
  readonly path: string;
  /** Ends streams, aborts calls in progress, waits a moment for their answers, and closes all connections. */
  stop(): Promise<void>;
}

/** Serves a resource until stopped. Raises `SocketFailed`. */
export async function serveDevicePlugin(options: ServeOptions): Promise<DevicePluginServer> {
  const { path, handlers, onFailure = () => {}, onDisconnect = () => {}, onError = () => {} } = options;
  const stopping = new AbortController();
  const streams = createStreamGroup<Empty, ListAndWatchResponse>(
    (stream) => followDevices(handlers.list, { write: (message, written) => stream.write(message, written) }),
    onDisconnect,
  );
  const server = await startServer(path, onError, (starting) =>
    starting.addService(devicePluginService, {
      ...implement(handlers, stopping.signal, onFailure),
      ListAndWatch: streams.handler,
    }),
  );
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

/**
 * Starts a gRPC server on a unix socket that only root can open, with a limit of connections. Raises `SocketFailed`.
 * `onError` is called when connections can no longer be accepted.
 */
export async function startServer(
  path: string,
  onError: (error: MacvtapError) => void,
  addServices: (server: Server) => void,
): Promise<Server> {
  // The option grpc.enable_channelz must not be 0. forceShutdown finds open connections through channelz, and would
  // otherwise close none of them.
  const server = new Server();
  addServices(server);
  await bind(server, path);
  boundServer(server, ({ message }) => onError(new MacvtapError('SocketFailed', `the socket ${path}: ${message}`)));
  return server;
}

async function bind(server: Server, path: string): Promise<void> {
  try {
    await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
    // Only kubelet connects, and it runs as root.
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

/**
 * Stops the server. `tryShutdown` lets calls finish, but waits forever for a hanging call. After a short time,
 * `forceShutdown` therefore ends the remaining calls.
 */
export async function shutDown(server: Server): Promise<void> {
  const timer = new AbortController();
  const graceful = promisify(server.tryShutdown.bind(server))();
  await Promise.race([graceful, sleep(graceMs, undefined, { signal: timer.signal })]).catch(() => {});
  timer.abort();
  server.forceShutdown();
}

/** How long calls may take to finish. The whole process must end within one second after SIGTERM. */
const graceMs = 250;

/** The maximum number of connections to a resource. Kubelet has one connection, and the self-probe has another one. */
const mostConnections = 16;

/**
 * Limits the connections of a listening gRPC server, and reports when the server can no longer accept connections. At
 * the limit, a new connection replaces a connection without an open call. Kubelet's connection stays, because
 * ListAndWatch is open on it.
 *
 * Without the limit, idle connections could use up the descriptors of the process. accept(2) would then fail, and the
 * unhandled error would end the process.
 *
 * grpc-js keeps its HTTP/2 servers in a private field. If the field is missing, connections are not limited.
 */
export function boundServer(
  server: Server,
  onError: (error: Error) => void,
  maxConnections = connectionsWithin(mostConnections),
): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  for (const http2Server of http2Servers?.keys() ?? []) bound(http2Server, onError, maxConnections);
}

function bound(server: Http2Server, onError: (error: Error) => void, maxConnections: number): void {
  const sockets = new WeakMap<Http2Session, Socket>();
  let accepted: Socket | undefined;
  server.on('error', onError);
  // Node.js creates the session in its own listener for the same event, right after this one.
  server.prependListener('connection', (socket: Socket) => {
    accepted = socket;
  });
  const limit = limitConnections(server, maxConnections);
  server.on('session', (session) => {
    if (accepted !== undefined) sockets.set(session, accepted);
    accepted = undefined;
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    const socket = stream.session && sockets.get(stream.session);
    if (socket === undefined) return;
    const busy = limit.busy(socket);
    stream.once('close', () => busy[Symbol.dispose]());
  });
}
