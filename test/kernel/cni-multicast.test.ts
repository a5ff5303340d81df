// SPDX-License-Identifier: Apache-2.0
// Tests which multicast frames from the wire reach a guest's tap, in each mode and with each value of `multicast`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureFrames } from './cni-capture.ts';
import { makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { ethernetFrame, frameText, openTap } from './tap-frames.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot, timeout: 180_000 };
const station = '02:00:00:00:00:bb';
const patienceMs = 60_000;

/**
 * Returns the multicast group to which neighbors send requests for the link-local address of `macAddress`: RFC 4291,
 * 2.7.1, and RFC 2464, section 7.
 */
function solicitedNodeGroup(macAddress: string): string {
  return `33:33:ff:${macAddress.slice('xx:xx:xx:'.length)}`;
}

const wellKnownGroups = {
  mDNS: '01:00:5e:00:00:fb',
  'mDNS over IPv6': '33:33:00:00:00:fb',
  VRRP: '01:00:5e:00:00:12',
  'VRRP over IPv6': '33:33:00:00:00:12',
  OSPF: '01:00:5e:00:00:05',
  LLMNR: '01:00:5e:00:00:fc',
  PTP: '01:1b:19:00:00:00',
  'all DHCPv6 servers': '33:33:00:01:00:02',
  'an application': '01:00:5e:7f:12:34',
} as const;

/**
 * The kernel's filter is a hash with 256 slots (MACVLAN_MC_FILTER_BITS, linux/if_macvlan.h) and a seed for each link.
 * Broadcast and the groups 33:33:00:00:00:01 and 01:00:5e:00:00:01 always pass. A group that has the same slot as one
 * of these also passes. That four of the test's ten groups pass happens once in 250,000 runs.
 */
const mostCollisions = 3;

for (const mode of ['bridge', 'private', 'vepa', 'passthru'] as const) {
  for (const multicast of [undefined, 'all', 'none'] as const) {
    test(`${mode} mode, multicast ${multicast ?? 'not given'}: frames that reach the guest`, options, async () => {
      await using node = await makeCNINode(here, { mode });
      await using pod = await makeNetworkNamespace();
      const tapPath = await node.allocate('netMvp0');
      const { exitCode, output } = await node.call('ADD', {
        netns: pod.path,
        conf: { deviceID: 'netMvp0', ...(multicast !== undefined && { multicast }) },
      });
      assert.equal(exitCode, 0, JSON.stringify(output));
      const [link] = await pod.ipJSON<{ address: string; flags: string[] }>('link show net1');
      assert.ok(link);
      await using tap = await openTap(tapPath);
      const [peer] = await here.ipJSON<{ ifindex: number }>('link show p1');
      using wire = captureFrames(peer?.ifindex ?? 0);

      const groups = { 'a neighbour solicitation': solicitedNodeGroup(link.address), ...wellKnownGroups };
      for (const [what, group] of Object.entries(groups)) wire.send(ethernetFrame(group, station, what));
      wire.send(ethernetFrame('ff:ff:ff:ff:ff:ff', station, 'broadcast'));
      wire.send(ethernetFrame(link.address, station, 'its own address'));

      // The kernel queues multicast and broadcast frames. Unicast frames overtake them.
      const arrived: string[] = [];
      await tap.receive((frame) => {
        arrived.push(frameText(frame) ?? '');
        return arrived.includes('broadcast') && arrived.includes('its own address');
      }, patienceMs);
      assert.ok(arrived.includes('broadcast') && arrived.includes('its own address'), arrived.join());
      const names = Object.keys(groups).filter((what) => arrived.includes(what));
      if (multicast === 'none') assert.ok(names.length <= mostCollisions, names.join());
      else assert.deepEqual(names, Object.keys(groups));

      // The pod's kernel has joined no group and has no address on the link.
      assert.equal(link.flags.includes('ALLMULTI'), multicast !== 'none');
      const [{ addr_info: addresses } = { addr_info: undefined }] = await pod.ipJSON<{ addr_info: unknown[] }>(
        'address show dev net1',
      );
      assert.deepEqual(addresses, []);
    });
  }
}
