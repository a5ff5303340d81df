// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { untilAllocatable } from '../cluster/resources.ts';
import { seedOffers } from './bond-tests.ts';
import { deletePolicy, machine, policy } from './machine-cluster.ts';
import { type InterfaceFacts, readNodeState } from './node-state.ts';

const cards = ['eth1', 'eth2', 'eth3'] as const;

/** Prints the kernel's facts about a card. The PCI device of a virtio card is above its virtio device. */
const script = `
path=$(readlink -f /sys/class/net/$1/device)
case $path in */virtio*) path=\${path%/*} ;; esac
echo $(ethtool -i $1 | sed -n 's/^driver: //p') \${path##*/} $(cat $path/vendor $path/device $path/numa_node)
ethtool -P $1 | sed 's/.*: //'
ip link show $1 | sed -n 's/.*altname //p' | tr '\\n' ' '`;

export function selectorTests(cluster: MacvtapCluster): void {
  const facts: Record<string, InterfaceFacts & { readonly altName: string }> = {};

  /** Reads the facts of a card from the machine, and not from the product. */
  const readFacts = async (name: string) => {
    const printed = await cluster.run(machine, 'sh', '-c', script, 'sh', name);
    const [driver = '', pciAddress = '', vendor = '', device = '', numa, mac = '', altName = ''] = printed.split(/\s+/);
    return {
      ...{ name, driver, pciAddress, permanentMACAddress: mac, numaNode: Number(numa), altName },
      ...{ vendorID: vendor.replace('0x', ''), deviceID: device.replace('0x', '') },
    };
  };

  describe('PCI cards', () => {
    before(async () => {
      for (const name of cards) facts[name] = await readFacts(name);
    });
    after(async () => {
      await deletePolicy(cluster, 'selectors');
      await untilAllocatable(cluster, seedOffers);
    });

    it("are reported in the node's state as the machine's kernel has them", async (t) => {
      const { interfaces = [] } = await readNodeState(cluster, machine);
      for (const name of cards) {
        const { altName, ...expected } = facts[name] ?? assert.fail(name);
        const found = interfaces.find((one) => one.name === name) as Readonly<Record<string, unknown>> | undefined;
        const shown = Object.fromEntries(Object.keys(expected).map((field) => [field, found?.[field]]));
        assert.deepEqual(shown, expected);
        t.diagnostic(JSON.stringify(expected));
      }
      assert.deepEqual(
        cards.map((name) => [facts[name]?.driver, facts[name]?.numaNode]),
        [
          ['virtio_net', 1],
          ['vmxnet3', 1],
          ['e1000e', 0],
        ],
      );
    });

    it('are each found by every field of nicSelector', async () => {
      const of = (name: string) => facts[name] ?? assert.fail(name);
      const entries = {
        'by-name': { nicSelector: { names: ['eth?'], exclude: { names: ['eth[12]'] } }, quantity: 1 },
        'by-altname': { nicSelector: { names: [of('eth2').altName] }, quantity: 2 },
        'by-driver': { nicSelector: { drivers: ['vmxnet3'] }, quantity: 3 },
        'by-pci-address': { nicSelector: { pciAddresses: [of('eth1').pciAddress] }, quantity: 4 },
        'by-vendor': { nicSelector: { vendorIDs: ['15ad'] }, quantity: 5 },
        'by-device': { nicSelector: { deviceIDs: [of('eth1').deviceID], names: ['eth*'] }, quantity: 6 },
        'by-mac': { nicSelector: { macAddresses: [of('eth3').permanentMACAddress] }, quantity: 7 },
        'by-numa': { nicSelector: { numaNodes: [0], names: ['eth*'] }, quantity: 8 },
        // Nothing on the machine has these.
        'by-none': { nicSelector: { numaNodes: [1], drivers: ['e1000e'], names: ['eth*'] }, quantity: 9 },
      };
      const parents = {
        ...{ 'by-name': 'eth3', 'by-altname': 'eth2', 'by-driver': 'eth2', 'by-pci-address': 'eth1' },
        ...{ 'by-vendor': 'eth2', 'by-device': 'eth1', 'by-mac': 'eth3', 'by-numa': 'eth3' },
      };
      const selectors = Object.entries(entries).map(([resourceName, entry]) => ({ resourceName, ...entry }));
      await cluster.apply([policy('selectors', [machine], selectors)]);
      const offered = Object.fromEntries(
        Object.keys(parents).map((name) => [name, entries[name as keyof typeof entries].quantity]),
      );
      await untilAllocatable(cluster, { ...seedOffers, [machine]: { ...seedOffers[machine], ...offered } });
      const { resources = [] } = await readNodeState(cluster, machine);
      const found = resources.filter(({ name }) => name.startsWith('by-'));
      assert.deepEqual(Object.fromEntries(found.map(({ name, parent }) => [name, parent])), parents);
    });
  });
}
