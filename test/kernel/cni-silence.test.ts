// SPDX-License-Identifier: Apache-2.0
// Tests that a pod's own kernel sends nothing on a link that belongs to a virtual machine.
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import type { Links } from '../../nodeplugin/links/links.ts';
import { until } from '../process/until.ts';
import { captureFrames } from './cni-capture.ts';
import { makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { bytes, routerAdvertisement } from './router-advertisement.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { ethernetFrame, frameText, openTap } from './tap-frames.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot, timeout: 180_000 };
const station = '02:00:00:00:00:bb';
const silentMAC = '52:54:00:00:00:51';
const loudMAC = '52:54:00:00:00:52';
const broadcast = 'ff:ff:ff:ff:ff:ff';

test('no frame leaves before the virtual machine sends one, whatever requests reach the pod', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  // The pod's other interface, e0, has an address. ARP requests for it arrive on the wire of the macvtap.
  await pod.ip('link add e0 type veth peer name e1');
  await pod.ip('link set lo up');
  await pod.ip('link set e0 up');
  await pod.ip('link set e1 up');
  await pod.ip('addr add 10.77.0.5/24 dev e0');
  const [peer] = await here.ipJSON<{ ifindex: number }>('link show p1');
  using wire = captureFrames(peer?.ifindex ?? 0);
  const tapPath = await node.allocate('netMvp0');
  const { exitCode } = await node.call('ADD', { netns: pod.path, conf: { deviceID: 'netMvp0', mac: silentMAC } });
  assert.equal(exitCode, 0);

  const heard: Uint8Array[] = [];
  /** Listens until the loud link, an ordinary macvtap in the pod, has reacted. */
  const listenAfter = async (cause: () => unknown, isWanted: (frame: Uint8Array) => boolean) => {
    const from = heard.push(...wire.take());
    await cause();
    await until(
      async () => heard.push(...wire.take()),
      () => heard.slice(from).some((frame) => sourceOf(frame) === loudMAC && isWanted(frame)),
    );
  };
  await listenAfter(
    () => makeLoudLink(pod, node.links),
    (frame) => icmpType(frame) === routerSolicitation,
  );
  await listenAfter(() => wire.send(arpRequest('10.77.0.5')), isARP);
  // For the loud link, the kernel derives an address from the advertised prefix. It then asks whether another host has
  // that address.
  await listenAfter(
    () => wire.send(routerAdvertisement(station)),
    (frame) => icmpType(frame) === neighborSolicitation && hex(frame).includes('20010db8'),
  );
  // The parent loses its carrier, or is set down, and then all links on it come up again.
  for (const end of ['p1', 'p0']) {
    await here.ip(`link set ${end} down`);
    // The kernel changes the links on the parent a moment later.
    await until(
      () => pod.ipJSON<{ operstate: string }>('link show loud'),
      ([loud]) => loud?.operstate !== 'UP',
    );
    await listenAfter(
      () => here.ip(`link set ${end} up`),
      (frame) => icmpType(frame) !== undefined,
    );
  }
  assert.deepEqual(
    heard.filter((frame) => sourceOf(frame) === silentMAC),
    [],
  );

  // The virtual machine can still send and receive.
  await using tap = await openTap(tapPath);
  await tap.send(ethernetFrame(broadcast, silentMAC, 'from the machine'));
  await until(
    async () => wire.take(),
    (frames) => frames.some((frame) => sourceOf(frame) === silentMAC && frameText(frame) === 'from the machine'),
  );
  wire.send(ethernetFrame(silentMAC, station, 'to the machine'));
  assert.ok(await tap.receive((frame) => frameText(frame) === 'to the machine', 10_000));
});

/**
 * Makes an ordinary macvtap in the same pod, for comparison. It shows which frames a link sends if it is not silent,
 * and how long to listen for them.
 */
async function makeLoudLink(pod: NetworkNamespace, links: Links): Promise<void> {
  await using netns = await open(pod.path);
  const [parent] = await here.ipJSON<{ ifindex: number }>('link show p0');
  const loud = { name: 'loud', parentIfindex: parent?.ifindex ?? 0, mode: 'bridge', macAddress: loudMAC } as const;
  await links.createMacvtap({ ...loud, up: true, netnsFd: netns.fd });
}

const routerSolicitation = 133;
const neighborSolicitation = 135;

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}

function sourceOf(frame: Uint8Array): string {
  return Buffer.from(frame.subarray(6, 12))
    .toString('hex')
    .replace(/..(?!$)/g, '$&:');
}

function isARP(frame: Uint8Array): boolean {
  return frame[12] === 0x08 && frame[13] === 0x06;
}

/** Returns the type of an ICMPv6 message. In an MLD report, it follows a hop-by-hop header. */
function icmpType(frame: Uint8Array): number | undefined {
  if (frame[12] !== 0x86 || frame[13] !== 0xdd) return undefined;
  return frame[20] === 0 ? frame[62] : frame[54];
}

/** Returns an ARP request (RFC 826). */
function arpRequest(target: string): Uint8Array {
  const payload = [
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    1,
    ...bytes(station),
    10,
    77,
    0,
    9,
    0,
    0,
    0,
    0,
    0,
    0,
    ...target.split('.').map(Number),
  ];
  return Uint8Array.from([...bytes(broadcast), ...bytes(station), 8, 6, ...payload, ...new Array(18).fill(0)]);
}
