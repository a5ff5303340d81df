// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import type { Server } from '@grpc/grpc-js';
import { draDriver } from '../../policy/device/dra-names.ts';
import { joinSignals } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createBackOff, createSleeper } from '../../runtime/pause.ts';
import { answerUnary, type FailureListener } from '../deviceplugin/handle-call.ts';
import { chooseSocketPath, removeStaleSockets } from '../deviceplugin/plugin-sockets.ts';
import { shutDown, startServer } from '../deviceplugin/server.ts';
import type {
  NodePrepareResourceResponse,
  NodePrepareResourcesRequest,
  NodeUnprepareResourceResponse,
} from './dra-v1.pb.ts';
import {
  type AnsweredClaim,
  type DriverHandlers,
  driverService,
  observeClaims,
  pluginRegistrationService,
  pluginType,
  supportedService,
} from './driver-services.ts';
import type { PluginInfo, RegistrationStatus } from './pluginregistration.pb.ts';
import type { ClaimRef, PreparedDevice } from './prepare-claim.ts';

interface ServeDriverOptions {
  /** The socket for kubelet's calls. */
  readonly endpoint: string;
  /** The socket in kubelet's directory plugins_registry. */
  readonly registrationPath: string;
  readonly handlers: DriverHandlers;
  readonly onFailure: FailureListener;
  /**
   * Called with the error if kubelet refuses the registration, and with undefined if kubelet has registered the driver.
   */
  readonly onRegistration: (error: MacvtapError | undefined) => void;
  /** Called when a socket can no longer accept connections. */
  readonly onError: (error: MacvtapError) => void;
}

/**
 * The time limit for each claim. Kubelet waits 45 s for a call (dra/plugin/dra_plugin.go, defaultClientCallTimeout).
 */
const deadlineMs = 10_000;

/**
 * Serves the DRA driver until disposed. Kubelet finds the registration socket by itself, also after its restart. The
 * driver is served first, because kubelet connects to it before it answers. Raises `SocketFailed`.
 */
async function serveDriver(options: ServeDriverOptions): Promise<AsyncDisposable> {
  const { endpoint, registrationPath, handlers, onFailure, onRegistration, onError } = options;
  const stopping = new AbortController();
  await using undo = new AsyncDisposableStack();
  const start = async (path: string, addServices: (server: Server) => void) => {
    const server = await startServer(path, onError, addServices);
    undo.defer(() => shutDown(server));
  };
  const answer = <Outcome>(
    handle: (claim: ClaimRef, signal: AbortSignal) => Promise<Outcome>,
    onError: (message: string) => Outcome,
    method: string,
  ) =>
    answerUnary<NodePrepareResourcesRequest, { readonly claims: Readonly<Record<string, Outcome>> }>(
      async ({ claims }, signal) => {
        // The claims of one call belong to one pod. They are handled in order, so that they never wait for each other.
        const outcomes: [string, Outcome][] = [];
        for (const claim of claims) {
          const outcome = await withDeadline(claim, signal, handle).catch((thrown: unknown) => {
            const error = MacvtapError.from(thrown);
            onFailure(method, error);
            return onError(error.message);
          });
          outcomes.push([claim.uid, outcome]);
        }
        return { claims: Object.fromEntries(outcomes) };
      },
      stopping.signal,
      onFailure,
    );
  await start(endpoint, (server) =>
    server.addService(driverService, {
      NodePrepareResources: answer<NodePrepareResourceResponse>(
        async (claim, signal) => ({ devices: (await handlers.prepare(claim, signal)).map(toMessage), error: '' }),
        (error) => ({ devices: [], error }),
        'NodePrepareResources',
      ),
      NodeUnprepareResources: answer<NodeUnprepareResourceResponse>(
        async (claim, signal) => {
          await handlers.unprepare(claim, signal);
          return { error: '' };
        },
        (error) => ({ error }),
        'NodeUnprepareResources',
      ),
    }),
  );
  const info = { type: pluginType, name: draDriver, endpoint, supported_versions: [supportedService] };
  await start(registrationPath, (server) =>
    server.addService(pluginRegistrationService, {
      GetInfo: answerUnary<unknown, PluginInfo>(() => info, stopping.signal, onFailure),
      NotifyRegistrationStatus: answerUnary<RegistrationStatus, object>(
        ({ plugin_registered, error }) => {
          onRegistration(plugin_registered ? undefined : refused(error));
          return {};
        },
        stopping.signal,
        onFailure,
      ),
    }),
  );
  undo.defer(async () => stopping.abort(new MacvtapError('Aborted', 'the DRA driver stops')));
  const scope = undo.move();
  return { [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Kubelet knows only requests: of a chosen alternative, `nic/fast`, it expects the request `nic`. */
function toMessage({ request, pool, device, cdiDeviceID }: PreparedDevice) {
  const [name = request] = request.split('/');
  return { request_names: [name], pool_name: pool, device_name: device, cdi_device_ids: [cdiDeviceID] };
}

/** Handles a claim with a deadline, so that a hanging kernel cannot block kubelet. Raises `DeadlineExceeded`. */
async function withDeadline<Outcome>(
  claim: ClaimRef,
  signal: AbortSignal,
  handle: (claim: ClaimRef, signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  using scope = joinSignals([signal], deadlineMs);
  try {
    return await handle(claim, scope.signal);
  } catch (thrown) {
    if (!scope.isTimedOut) throw thrown;
    const text = `ResourceClaim ${claim.namespace}/${claim.name} took more than ${deadlineMs / 1_000} s; kubelet tries again`;
    throw new MacvtapError('DeadlineExceeded', text, { cause: thrown });
  }
}

function refused(error: string): MacvtapError {
  const text = `kubelet did not register the DRA driver ${draDriver}: ${error.slice(0, 500)}; check kubelet's log`;
  return new MacvtapError('KubeletRefused', text);
}

export interface KeepDriverOptions extends Pick<ServeDriverOptions, 'handlers' | 'onFailure'> {
  /** The directories of the sockets for the calls and for the registration. They need not exist. */
  readonly directories: readonly string[];
  /** Called after each answer to kubelet. */
  readonly onAnswer: (answered: AnsweredClaim) => void;
  readonly onTrouble: (error: MacvtapError) => void;
  /** Called when kubelet has registered the driver, and when the driver has stopped. */
  readonly onRegistered: (isRegistered: boolean) => void;
}

/** A driver that runs only while it is wanted. */
export interface KeptDriver extends AsyncDisposable {
  run(isWanted: boolean): void;
}

/**
 * Serves the driver while it is wanted, until disposed. It starts again if a socket fails or disappears. Each start has
 * its own sockets, because gRPC removes the socket of a stopped server, and kubelet accepts an endpoint only once.
 */
export function keepDriver({ directories, onFailure, ...rest }: KeepDriverOptions): KeptDriver {
  const { onTrouble, onRegistered } = rest;
  const handlers = observeClaims(rest.handlers, rest.onAnswer);
  const scope = new AbortController();
  const sleeper = createSleeper(scope.signal);
  let isWanted = false;
  const serve = async (): Promise<void> => {
    const startId = randomBytes(3).toString('hex');
    for (const directory of directories) {
      await mkdir(directory, { recursive: true });
      await removeStaleSockets(directory);
    }
    const [endpoint, registrationPath] = directories.map((directory) => chooseSocketPath(directory, 'dra', startId));
    if (endpoint === undefined || registrationPath === undefined) return;
    let failed: MacvtapError | undefined;
    await using _server = await serveDriver({
      endpoint,
      registrationPath,
      handlers,
      onFailure,
      onRegistration: (error) => (error === undefined ? onRegistered(true) : onTrouble(error)),
      onError(error) {
        failed = error;
        sleeper.wake();
      },
    });
    while (isWanted && !scope.signal.aborted) {
      failed ??= await findVanished([endpoint, registrationPath]);
      if (failed !== undefined) throw failed;
      await sleeper.sleep(lookMs);
    }
  };
  const running = (async () => {
    for (let failures = 0; !scope.signal.aborted; ) {
      if (!isWanted) {
        await sleeper.sleep();
        continue;
      }
      const error = await serve().then(() => undefined, MacvtapError.from);
      onRegistered(false);
      failures = error === undefined ? 0 : failures + 1;
      if (error !== undefined) onTrouble(error);
      if (failures > 0) await sleeper.sleep(backOffMs(failures));
    }
  })();
  return {
    run(is) {
      if (is === isWanted) return;
      isWanted = is;
      sleeper.wake();
    },
    async [Symbol.asyncDispose]() {
      scope.abort();
      await running;
    },
  };
}

/** How often the sockets are looked for. Kubelet itself never removes them. */
const lookMs = 10_000;
const backOffMs = createBackOff({ firstMs: 100, longestMs: 5_000 });

async function findVanished(paths: readonly string[]): Promise<MacvtapError | undefined> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere)
      return new MacvtapError('SocketFailed', `the socket ${path} was removed; the DRA driver starts again`);
  }
  return undefined;
}
