// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { CNIContext } from '../../nodeplugin/cni/cni-context.ts';
import { handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { serveCNI } from '../../nodeplugin/cni/server.ts';
import { findTroubles } from '../../nodeplugin/cni/status.ts';
import { workOffTombstones } from '../../nodeplugin/cni/tombstones.ts';
import { allocateDevice } from '../../nodeplugin/deviceplugin/allocate-device.ts';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import { type Links, openLinks } from '../../nodeplugin/links/links.ts';
import { identifyTap, listTaps } from '../../nodeplugin/links/list-taps.ts';
import { readTapLinkName, readTapNode } from '../../nodeplugin/links/tap-node.ts';
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedLock } from '../../runtime/keyed-lock.ts';

export interface CNIPluginOptions {
  /** For the ledger, the socket and the tombstones. */
  readonly directory: string;
  readonly nodeName: string;
  readonly mode?: PlannedResource['mode'];
  /** Nobody holds anything when absent. */
  readonly holders?: CNIContext['holders'];
}

/** The node plugin's CNI half, with all its real parts, in the namespace of this process: one resource `net` on p0. */
export interface CNIPlugin extends AsyncDisposable {
  readonly links: Links;
  readonly ledger: Ledger;
  readonly context: CNIContext;
  readonly troubles: readonly MacvtapError[];
  /** What GC took out of pods: `blue netMvp1`. */
  readonly collected: readonly string[];
  /** What Allocate does. Returns the path that kubelet is told. */
  allocate(device: string): Promise<string>;
  /** Reads the links anew: the parent came or went. */
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
}: CNIPluginOptions): Promise<CNIPlugin> {
  await using undo = new AsyncDisposableStack();
  const troubles: MacvtapError[] = [];
  const collected: string[] = [];
  const onTrouble = (error: MacvtapError) => void troubles.push(error);
  const ledger = undo.use(await Ledger.open({ directory, nodeName, onWarning: onTrouble }));
  const links = undo.use(await openLinks());
  let interfaces: readonly InterfaceFacts[] = await links.readInterfaces();
  const resource = makeResource(mode);
  const lock = createKeyedLock();
  const context: CNIContext = {
    nodeName,
    links: { ...links, readTapNode, readTapLinkName, listTaps, identifyTap },
    ledger,
    lock,
    interfaces: () => interfaces,
    resources: () => new Map([[resource.name, resource]]),
    isPlanKnown: () => true,
    holders: holders ?? { known: () => [], ask: async () => [] },
    onCollected: (network, devices) => void collected.push(`${network} ${devices}`),
    troubles: () => findTroubles({ links, stateDirectory: directory, isPlanKnown: () => true }),
    onTrouble,
  };
  const noTap = async () => {};
  await workOffTombstones({
    directory: tombstonesOf(directory),
    handle: (request) => handleRequest(request, noTap, context, AbortSignal.timeout(60_000)),
    onFailure: onTrouble,
  });
  undo.use(
    await serveCNI({
      path: socketPathOf(directory),
      handle: (request, own, signal) => handleRequest(request, own, context, signal),
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
      const allocate = { nodeName, ledger, links: { ...links, readTapNode }, findInterface };
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
