// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import { createMetadataLookups } from '../../cluster/api/lookups.ts';
import type { LiveSource } from '../../cluster/source.ts';
import { linkName } from '../../policy/device/device-id.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import type { NodePluginConfig } from '../config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { NodeLinks } from '../links/open-node-links.ts';
import { createTapLister, identifyTap, readTapLinkName, readTapNode } from '../links/tap-node.ts';
import { type OpenMigrationsOptions, openMigrations } from '../migration/open-migrations.ts';
import type { FollowedKubelet } from '../reconcile/follow-kubelet.ts';
import type { PlanStore } from '../reconcile/follow-plan.ts';
import type { ResourcePlugins } from '../reconcile/resource-plugins.ts';
import { type AnsweredRequest, observeRequest } from './answered-request.ts';
import { type AttachedDevice, listAttached } from './attachments.ts';
import type { CNIContext, ShimRights } from './cni-context.ts';
import { removeAttachment } from './detach.ts';
import { findTroubles, handleRequest } from './handle-request.ts';
import { createFindResource, rememberPodClaims } from './locate-device.ts';
import { createFindPodMAC } from './pod-mac.ts';
import { type ReconcileOptions, reconcileAttachments } from './reconcile-attachments.ts';
import type { RequestFrame } from './shim/frame.ts';
import type { InstallShimOptions } from './shim/install-shim.ts';
import { followPendingDels, processPendingDels } from './shim/pending-dels.ts';
import { serveCNI } from './shim/server.ts';
import { makePrivateDirectory } from './shim/socket-listener.ts';

export interface OpenAttachmentsOptions
  extends Pick<CNIContext, 'onTrouble' | 'onCollected' | 'onStep'>,
    Pick<OpenMigrationsOptions, 'onArrived' | 'onMoved'>,
    Pick<AttachmentsOptions, 'onAnswered' | 'onRestored' | 'onForgotten'> {
  readonly config: Pick<
    NodePluginConfig,
    'node-name' | 'state-dir' | 'cni-socket' | 'cni-bin-dir' | 'cni-shim' | 'held-refresh' | 'migration-cutover'
  >;
  readonly ledger: Ledger;
  readonly node: Pick<NodeLinks, 'links' | 'interfaces'>;
  /** The same lock that Allocate takes. */
  readonly lock: KeyedMutex;
  readonly kubelet: Pick<FollowedKubelet, 'held' | 'isHeldKnown'>;
  readonly resources: Pick<ResourcePlugins, 'current'>;
  readonly plan: Pick<PlanStore, 'isKnown'>;
  readonly source: Pick<LiveSource, 'origin' | 'lookups'>;
  readonly admission: CNIContext['admission'];
  readonly holders: CNIContext['holders'];
  /**
   * Installs the shim. Returns an error if that fails. Without the shim, no pod can be attached, but everything else
   * continues to work.
   */
  readonly install: (shim: InstallShimOptions) => Promise<MacvtapError | undefined>;
  readonly onShim: (error: MacvtapError | undefined) => void;
}

/** Installs the CNI plugin's shim if a directory is configured, and attaches pods until disposed. */
export async function openAttachments(options: OpenAttachmentsOptions): Promise<AsyncDisposable> {
  const { config, ledger, node, lock, kubelet, resources, plan, source, admission, holders, install, onShim, ...rest } =
    options;
  const { onTrouble, onCollected, onStep, onArrived, onMoved, ...listeners } = rest;
  const { links } = node;
  const socketPath = config['cni-socket'];
  const directory = config['cni-bin-dir'];
  if (directory !== undefined) onShim(await install({ binary: config['cni-shim'], directory, socketPath }));
  const isPlanKnown = () => plan.isKnown;
  const lookups = openLookups(source);
  const context: CNIContext = {
    nodeName: config['node-name'],
    ledger,
    links: { ...links, readTapNode, readTapLinkName, listTaps: createTapLister(), identifyTap },
    lock,
    interfaces: () => node.interfaces.current,
    resources: () => plannedResources(resources),
    isPlanKnown,
    holders,
    admission,
    findPodMAC: lookups && createFindPodMAC({ lookups, ledger }),
    findResource: lookups && createFindResource({ pod: lookups.pod, network: source.lookups.network }),
    podClaims: lookups && rememberPodClaims(lookups.podClaims),
    troubles: () => findTroubles({ links, stateDirectory: config['state-dir'], isPlanKnown }),
    onTrouble,
    onCollected,
    onStep,
  };
  await using undo = new AsyncDisposableStack();
  const detach = (device: AttachedDevice, signal: AbortSignal) => detachMoved(device, context, signal);
  const isCutOver = config['migration-cutover'] === 'On';
  const migrations =
    isCutOver && lookups
      ? openMigrations({ source, lookups, ledger, lock, detach, onArrived, onMoved, onTrouble })
      : undefined;
  if (migrations !== undefined) undo.use(migrations);
  undo.use(
    await serveAttachments({
      ...listeners,
      socketPath,
      context: { ...context, migrations },
      held: kubelet.held,
      isHeldKnown: () => plan.isKnown && kubelet.isHeldKnown(),
      lookMs: config['held-refresh'],
    }),
  );
  const scope = undo.move();
  return { [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/**
 * Detaches a device from a pod whose guest has migrated to another node. Does nothing if the device has been attached
 * elsewhere in the meantime.
 */
async function detachMoved({ id, record }: AttachedDevice, context: CNIContext, signal: AbortSignal): Promise<void> {
  const { containerID, ifname } = record.attachment;
  await context.lock.run(
    [linkName(id)],
    async () => {
      const device = listAttached(context.ledger).find((one) => one.id === id);
      const isSame =
        device?.record.attachment.containerID === containerID && device.record.attachment.ifname === ifname;
      if (isSame) await removeAttachment(device, context, signal);
    },
    signal,
  );
}

/**
 * Creates the lookups that ADD uses. Returns undefined if objects are read from files, because no API server is
 * available to look up pods.
 */
function openLookups({ origin }: Pick<LiveSource, 'origin'>) {
  if (origin.kind !== 'cluster') return undefined;
  const lookups = createMetadataLookups(origin.client);
  return { ...lookups, pod: readOncePerCall(lookups.pod) };
}

/** Returns the served resources that are in the plan, by name. */
function plannedResources({ current }: Pick<ResourcePlugins, 'current'>): ReadonlyMap<string, PlannedResource> {
  return new Map([...current].flatMap(([name, { resource }]) => (resource === undefined ? [] : [[name, resource]])));
}

export interface AttachmentsOptions extends ReconcileOptions {
  /** @example '/run/kube-macvtap/cni.sock' */
  readonly socketPath: string;
  /** Called for each answered request. For a pending DEL (shim/pending-dels.ts), it is called only after success. */
  readonly onAnswered: (request: AnsweredRequest) => void;
}

/** The deadline of a pending DEL. No container runtime waits for it. */
const pendingDelDeadlineMs = 10_000;

/**
 * The time limit for all pending DELs at startup. Startup waits for these DELs, so that their devices are free before
 * kubelet allocates devices again. DELs that exceed the limit are processed in the background.
 */
const atStartMs = 20_000;
const noRights: ShimRights = {
  own: async () => {},
  lendNetlink: () => Promise.reject(new MacvtapError('NetnsUnreachable', 'no shim is running for a pending DEL')),
};

/**
 * Serves the CNI plugin until disposed. Before it returns, it processes the DELs that the shim saved while the node
 * plugin was down, up to a time limit.
 */
export async function serveAttachments(options: AttachmentsOptions): Promise<AsyncDisposable> {
  const { socketPath, context, onAnswered } = options;
  await using undo = new AsyncDisposableStack();
  await makeOwnDirectory(dirname(socketPath));
  const pendingDels = {
    directory: join(dirname(socketPath), 'tombstones'),
    handle: (request: RequestFrame) => {
      const signal = AbortSignal.timeout(pendingDelDeadlineMs);
      return observeRequest(
        request,
        (onFailure) => handleRequest(request, noRights, context, signal, onFailure),
        // `onFailure` below reports failures, with the file that contains the DEL.
        (answered) => answered.failure ?? onAnswered(answered),
      );
    },
    onFailure: context.onTrouble,
  };
  await processPendingDels({ ...pendingDels, signal: AbortSignal.timeout(atStartMs) });
  undo.use(followPendingDels(pendingDels));
  undo.use(reconcileAttachments(options));
  // The server is started last, so that it is disposed first. Its requests then unlock the devices for which the other
  // parts may be waiting.
  undo.use(
    await serveCNI({
      path: socketPath,
      handle: (request, shim, signal) =>
        observeRequest(request, (onFailure) => handleRequest(request, shim, context, signal, onFailure), onAnswered),
      onFailure: context.onTrouble,
    }),
  );
  const scope = undo.move();
  return { [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Creates the socket's directory. It is below /run, so it is missing after a reboot. Raises `CNISocketFailed`. */
async function makeOwnDirectory(directory: string): Promise<void> {
  try {
    await makePrivateDirectory(directory);
  } catch (thrown) {
    const text = `cannot create the directory of the CNI plugin's socket: ${(thrown as Error).message}; check --cni-socket`;
    throw new MacvtapError('CNISocketFailed', text, { facts: { directory }, cause: thrown });
  }
}

/** A function that reads an object from the API server by namespace and name. */
type Read<Found> = (namespace: string, name: string, signal: AbortSignal) => Promise<Found>;

/**
 * Wraps a lookup, so that each object is read only once per call of the container runtime. ADD needs its pod twice: for
 * the MAC address and for migrations. Each read takes milliseconds. A failed read is not repeated within the call.
 *
 * A call is identified by its signal, because every call has its own. The results are discarded with the signal.
 */
export function readOncePerCall<Found>(read: Read<Found>): Read<Found> {
  const calls = new WeakMap<AbortSignal, Map<string, Promise<Found>>>();
  return (namespace, name, signal) => {
    const reads = calls.getOrInsertComputed(signal, () => new Map());
    return reads.getOrInsertComputed(`${namespace}/${name}`, () => read(namespace, name, signal));
  };
}
