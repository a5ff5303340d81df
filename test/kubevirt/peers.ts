// SPDX-License-Identifier: Apache-2.0
import type { TestContext } from 'node:test';
import { deletePod, runPod } from '../cluster/pods.ts';
import { ip } from '../cluster/run.ts';
import { readPodTap } from '../cluster/taps.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import type { Machine } from './machine.ts';
import { type FrameEnd, startGuestFrames, startPeerFrames } from './numbered-frames.ts';

/** A host that exchanges frames with a migrating machine. */
interface Peer {
  /** The location: `h1`, `h2`, or `wire` for a host that is neither. */
  readonly place: string;
  readonly device: string;
  readonly mac: string;
}

/** Peers that exist until disposed of: a macvtap on each node, and a host on the wire of bond1. */
export interface Peers extends AsyncDisposable {
  /** Exchanges numbered frames between the guest and all peers. Resolves when frames arrive from all of them. */
  exchange(machine: Machine): Promise<Exchange>;
}

export interface Exchange extends AsyncDisposable {
  /** Resolves when frames that were sent after the call have arrived at every end. */
  goesOn(): Promise<void>;
  /** Returns the outages of each peer so far. */
  outages(sourceNode: string | undefined): Promise<readonly Outage[]>;
}

/** The longest outages of one migration, in frames of 10 ms, by the location of the peer. */
export interface Outage {
  readonly place: 'source node' | 'target node' | 'wire';
  /** The outage from the peer to the guest, which includes the guest's own pause. */
  readonly toGuest: number;
  readonly fromGuest: number;
}

/** The host on the bridge that is the wire of bond1. `npm run cluster -- down` removes it because of its name. */
const host = { device: 'kmtc-host', port: 'kmtc-hostp', mac: '02:00:00:00:53:99' } as const;

export async function makePeers(cluster: KubeVirtCluster): Promise<Peers> {
  await using undo = new AsyncDisposableStack();
  await ip(`link add ${host.device} address ${host.mac} type veth peer name ${host.port}`);
  undo.defer(async () => void (await ip(`link del ${host.device}`)));
  await ip(`link set ${host.port} master kmtc-w.bond1`);
  for (const device of [host.device, host.port]) await ip(`link set ${device} up`);
  const neighbours = ['h1', 'h2'].map(async (node): Promise<Peer> => {
    const name = `neighbour-${node}`;
    undo.defer(() => deletePod(cluster, name));
    await runPod(cluster, { name, node, networks: 'bonded' });
    const { path, mac } = await readPodTap(cluster, name);
    return { place: node, device: path, mac };
  });
  const peers = [...(await Promise.all(neighbours)), { place: 'wire', device: host.device, mac: host.mac }];
  const scope = undo.move();
  return {
    exchange: (machine) => exchange(cluster, machine, peers),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

async function exchange(cluster: KubeVirtCluster, machine: Machine, peers: readonly Peer[]): Promise<Exchange> {
  await using undo = new AsyncDisposableStack();
  const guestMAC = await machine.mac();
  const inside = await startGuestFrames(
    machine,
    peers.map(({ mac }) => mac),
  );
  const outside: FrameEnd[] = [];
  for (const { device, mac } of peers) {
    const end = await startPeerFrames({ program: cluster.images.frames, device, mac, peers: [guestMAC] });
    outside.push(undo.use(end));
  }
  const goesOn = async () => void (await Promise.all([inside, ...outside].map((end) => end.goesOn())));
  await goesOn();
  const scope = undo.move();
  return {
    goesOn,
    async outages(sourceNode) {
      const received = await inside.counts();
      return await Promise.all(
        peers.map(async ({ place, mac }, index): Promise<Outage> => {
          const sent = (await outside[index]?.counts())?.[guestMAC];
          const onNode = place === sourceNode ? 'source node' : 'target node';
          return {
            place: place === 'wire' ? place : onNode,
            toGuest: received[mac]?.longest ?? Number.NaN,
            fromGuest: sent?.longest ?? Number.NaN,
          };
        }),
      );
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

export function report(context: TestContext, title: string, outages: readonly Outage[]): void {
  for (const { place, toGuest, fromGuest } of outages) {
    context.diagnostic(
      `${title}, peer on the ${place}: longest outage ${toGuest * 10} ms to the guest, ${fromGuest * 10} ms from it`,
    );
  }
}
