// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { deletePod, runPod } from '../cluster/pods.ts';
import { type Offers, untilAllocatable, untilHeld } from '../cluster/resources.ts';
import { readPodTap } from '../cluster/taps.ts';
import { seedOffers } from './bond-tests.ts';
import { exchangeFrames } from './exchange-frames.ts';
import { machine, network, peer, policy } from './machine-cluster.ts';
import { readNodeState } from './node-state.ts';

/** Two VLANs on one bond. Their resources have the default names. */
const entries = [
  { parentIface: 'bond1', vlan: 100, quantity: 5 },
  { parentIface: 'bond1', vlan: 200, quantity: 6 },
];

/** The resources of the seed's policy and of the VLANs. The VLANs stay until the end of the suite. */
export const vlanOffers: Offers = {
  ...seedOffers,
  [machine]: { ...seedOffers[machine], 'bond1.100': 5, 'bond1.200': 6 },
};

/** A VLAN as `ip -json -details link` shows it. */
interface ShownVlan {
  readonly ifname: string;
  readonly link: string;
  readonly mtu: number;
  readonly ifalias?: string;
  readonly linkinfo: { readonly info_data: { readonly protocol: string; readonly id: number } };
}

/** Reads the VLANs of the machine from its kernel: the name, the lower link, the tag, the MTU and the alias. */
export async function readVlans(cluster: MacvtapCluster): Promise<readonly unknown[]> {
  const shown = await cluster.run(machine, 'ip', '-json', '-details', 'link', 'show', 'type', 'vlan');
  return (JSON.parse(shown) as readonly ShownVlan[])
    .map(({ ifname, link, mtu, ifalias, linkinfo: { info_data } }) => [
      ...[ifname, link, info_data.protocol, info_data.id, mtu, ifalias],
    ])
    .toSorted();
}

/** The VLANs that the node plugin creates for the policy. It marks them as its own. */
export const vlansOfPolicy = [
  ['bond1.100', 'bond1', '802.1Q', 100, 9000, 'kube-macvtap'],
  ['bond1.200', 'bond1', '802.1Q', 200, 9000, 'kube-macvtap'],
] as const;

/** Frames that the partner captures. */
const captured = 20;

export function vlanTests(cluster: MacvtapCluster): void {
  const inSwitch = (...command: readonly string[]) => cluster.run(machine, 'ip', 'netns', 'exec', 'switch', ...command);

  /** Makes the wire an access port of VLAN 100: the switch removes the tag, and adds it to frames from the wire. */
  const setAccessPort = async (isOne: boolean) => {
    const filtering = ['type', 'bridge', 'vlan_filtering', isOne ? '1' : '0'];
    await inSwitch('ip', 'link', 'set', 'wire-bond1', ...filtering);
    const [tagged, untagged] = isOne ? ['100', '100'] : ['1', '1'];
    await inSwitch('bridge', 'vlan', 'add', 'dev', 'bond1', 'vid', tagged, ...(isOne ? [] : ['pvid', 'untagged']));
    await inSwitch('bridge', 'vlan', 'add', 'dev', 'sw0up', 'vid', untagged, 'pvid', 'untagged');
  };

  /** Returns what the partner sees of frames from a MAC address, or to it: a line with the tag for each frame. */
  const capture = async (direction: 'src' | 'dst', mac: string): Promise<readonly string[]> => {
    const filter = `ether ${direction} ${mac}`;
    const guard = ['timeout', '300'];
    const shown = await inSwitch(...guard, 'tcpdump', '-nne', '-i', 'bond1', '-c', String(captured), filter);
    // The lines of a frame's content begin with a tab.
    return shown.split('\n').filter((line) => /^\S/.test(line));
  };

  describe('two VLANs of one policy on the 802.3ad bond', () => {
    before(async () => {
      await cluster.apply([policy('vlans', [machine], entries), network('bond1.100', 'vlan100')]);
      await untilAllocatable(cluster, vlanOffers);
    });
    after(async () => {
      for (const pod of ['on-vlan', 'on-access-port']) await deletePod(cluster, pod);
      await untilHeld(cluster, machine, 'bond1.100', 0);
      await setAccessPort(false);
    });

    it('are two resources, and the node plugin creates both VLANs with the MTU of the bond', async () => {
      assert.deepEqual(await readVlans(cluster), vlansOfPolicy);
      const { resources = [] } = await readNodeState(cluster, machine);
      const found = resources.filter(({ name }) => name.startsWith('bond1.'));
      assert.deepEqual(
        found.map(({ name, parent, health }) => [name, parent, health]),
        [
          ['bond1.100', 'bond1.100', 'Healthy'],
          ['bond1.200', 'bond1.200', 'Healthy'],
        ],
      );
    });

    it("carry a pod's frames with their tag to another node, and back", async (t) => {
      await setAccessPort(true);
      await runPod(cluster, { name: 'on-vlan', node: machine, networks: 'vlan100' });
      await runPod(cluster, { name: 'on-access-port', node: peer, networks: 'macvtap0' });
      const { mac } = await readPodTap(cluster, 'on-vlan');
      const frames = await exchangeFrames(cluster, ['on-vlan', 'on-access-port']);
      await frames.goesOn();
      for (const direction of ['src', 'dst'] as const) {
        const lines = await capture(direction, mac);
        const untagged = lines.filter((line) => !/ ethertype 802\.1Q \(0x8100\), .*vlan 100,/.test(line));
        assert.deepEqual([lines.length, untagged], [captured, []]);
        t.diagnostic(lines[0] ?? '');
      }
      t.diagnostic(await frames.report());
    });
  });
}
