// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Admission } from '../../nodeplugin/admission/open-admission.ts';
import type { CNIContext, ShimRights } from '../../nodeplugin/cni/cni-context.ts';
import { findTroubles, handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { processPendingDels } from '../../nodeplugin/cni/shim/pending-dels.ts';
import { serveCNI } from '../../nodeplugin/cni/shim/server.ts';
import { allocateDevice } from '../../nodeplugin/deviceplugin/allocate.ts';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import { type Links, openLinks } from '../../nodeplugin/links/links.ts';
import { createTapLister, identifyTap, readTapLinkName, readTapNode } from '../../nodeplugin/links/tap-node.ts';
import { linkName } from '../../policy/device/device-id.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { admitAll } from '../fixtures/admission/admit-all.ts';

/** The shim's operations if no shim runs: no tap gets another owner, and there is no socket of the pod's namespace. */
export const noRights: ShimRights = {
  own: async () => {},
  lendNetlink: () => Promise.reject(new Error('no shim')),
};

export interface CNIPluginOptions {
  /** The directory of the ledger, the socket and the pending DELs. */
  readonly directory: string;
  readonly nodeName: string;
  readonly mode?: PlannedResource['mode'];
  /** The pods that hold devices; by default, there are none. */
  readonly holders?: CNIContext['holders'];
  /** The admission; by default, every namespace is admitted. */
  readonly admission?: Admission;
}

/**
 * The node plugin's CNI server with all its real parts, in the namespace of this process. It has one resource, `net`,
 * on p0.
 */
export interface CNIPlugin extends AsyncDisposable {
  readonly links: Links;
  readonly ledger: Ledger;
  readonly context: CNIContext;
  readonly troubles: readonly MacvtapError[];
  /** Devices that GC removed from pods: `blue netMvp1`. */
  readonly collected: readonly string[];
  /** Allocates a device. Returns the path in the response to Allocate. */
  allocate(device: string): Promise<string>;
  /** Reads the links again after the parent appeared or disappeared. */
  look(): Promise<void>;
}

export function socketPathOf(directory: string): string {
  return join(directory, 'cni.sock');
}

export function tombstonesOf(directory: string): string {
  return join(directory, 'tombstones');
}

export async function openCNIPlugin({
  directory,
  nodeName,
  mode = 'bridge',
  holders,
  admission = admitAll,
}: CNIPluginOptions): Promise<CNIPlugin> {
  await using undo = new AsyncDisposableStack();
  const troubles: MacvtapError[] = [];
  const collected: string[] = [];
  const onTrouble = (error: MacvtapError) => void troubles.push(error);
  const ledger = undo.use(await Ledger.open({ directory, nodeName, onWarning: onTrouble }));
  const links = undo.use(await openLinks());
  let interfaces: readonly InterfaceFacts[] = await links.readInterfaces();
  const resource = makeResource(mode);
  const lock = createKeyedMutex();
  const context: CNIContext = {
    nodeName,
    links: { ...links, readTapNode, readTapLinkName, listTaps: createTapLister(), identifyTap },
    ledger,
    lock,
    interfaces: () => interfaces,
    resources: () => new Map([[resource.name, resource]]),
    isPlanKnown: () => true,
    holders: holders ?? { known: () => [], ask: async () => [], wasListed: () => false },
    admission,
    onCollected: (network, devices) => void collected.push(`${network} ${devices}`),
    troubles: () => findTroubles({ links, stateDirectory: directory, isPlanKnown: () => true }),
    onTrouble,
  };
  await processPendingDels({
    directory: tombstonesOf(directory),
    handle: (request) => handleRequest(request, noRights, context, AbortSignal.timeout(60_000)),
    onFailure: onTrouble,
  });
  undo.use(
    await serveCNI({
      path: socketPathOf(directory),
      handle: (request, shim, signal) => handleRequest(request, shim, context, signal),
      onFailure: onTrouble,
    }),
  );
  const scope = undo.move();
  return {
    links,
    ledger,
    context,
    troubles,
    collected,
    async allocate(device) {
      const findInterface = (wanted: string) => interfaces.find((nic) => nic.name === wanted);
      const allocate = { nodeName, ledger, links: { ...links, readTapNode }, findInterface, admission };
      const run = () => allocateDevice(device, { resource }, allocate, AbortSignal.timeout(60_000));
      return (await lock.run([linkName(device)], run)).tapPath;
    },
    look: async () => {
      interfaces = await links.readInterfaces();
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function makeResource(mode: PlannedResource['mode']): PlannedResource {
  return {
    source: 'policy',
    policy: 'macvtap-cni/p',
    name: 'net',
    parent: 'p0',
    mode,
    quantity: 100,
    numaNodes: [],
    needVhostNet: false,
  };
}
