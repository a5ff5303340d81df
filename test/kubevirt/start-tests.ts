// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wireName } from '../cluster/layout.ts';
import type { Pod } from '../cluster/pods.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine, type Machine } from './machine.ts';

/** A guest's output if its peer answers every request. */
const noLoss = /5 packets transmitted, 5 packets received, 0% packet loss/;

/** Source: linux/if.h. */
const IFF_PROMISC = 0x100;

const advertiser = fileURLToPath(new URL('../machines/programs/advertise-router.ts', import.meta.url));

export const resource = (name: string) => `macvtap.network.kubevirt.io/${name}`;

/** Returns the macvtap resources of each container of a pod, without containers that have none. */
export function macvtapLimits({ spec }: Pod): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const all = spec.containers.map(({ name, resources }) => {
    const limits = Object.entries(resources.limits ?? {}).filter(([key]) => key.startsWith(resource('')));
    return [name, Object.fromEntries(limits)] as const;
  });
  return Object.fromEntries(all.filter(([, limits]) => Object.keys(limits).length > 0));
}

/** Returns the owner of each tap in a launcher pod: `{ tap1073741900: '107:107' }`. */
export async function tapOwners(machine: Machine): Promise<Readonly<Record<string, string>>> {
  const printed = await machine.exec('sh', '-c', "stat -c '%n %u:%g' /dev/tap*");
  const rows = printed.trim().split('\n');
  return Object.fromEntries(rows.map((row) => row.replace('/dev/', '').split(' ') as [string, string]));
}

/** Asserts that two guests reach each other. Each guest reports the result on its console. */
export async function assertPing(one: Machine, other: Machine, addresses: readonly [string, string]): Promise<void> {
  assert.match(await one.run(`ping -c 5 -i 0.2 ${addresses[1]}`), noLoss);
  assert.match(await other.run(`ping -c 5 -i 0.2 ${addresses[0]}`), noLoss);
}

/** Resolves with the address of a guest's first card after duplicate address detection. */
async function untilIPv6Address(machine: Machine, scope: 'link' | 'global'): Promise<string> {
  const find = async () => {
    const printed = await machine.run(`ip -6 address show dev eth0 scope ${scope}`);
    return printed.includes('tentative') ? undefined : /inet6 ([\da-f:]+)\//.exec(printed)?.[1];
  };
  return (await until(find, (address) => address !== undefined)) as string;
}

export function startTests(cluster: KubeVirtCluster): void {
  describe('virtual machines that start', () => {
    const machines: Machine[] = [];
    const [near, far, many] = ['10.50.0.1', '10.50.0.2', '10.50.0.3'] as const;

    before(async () => {
      machines.push(
        await createMachine(cluster, { name: 'near', address: `${near}/24`, node: 'h1' }),
        await createMachine(cluster, { name: 'far', address: `${far}/24`, node: 'h2' }),
        await createMachine(cluster, {
          name: 'many',
          address: `${many}/24`,
          networks: ['bonded', 'bonded', 'dataplane'],
          processors: 2,
        }),
      );
      await Promise.all(machines.map((machine) => machine.untilUp()));
    });
    after(() => Promise.all(machines.map((machine) => machine.delete())));
    const at = (index: number) => machines[index] as Machine;

    it('ping each other from two nodes over macvtaps of a policy', async () => {
      await assertPing(at(0), at(1), [near, far]);
    });

    it('ping each other by IPv6, with link-local addresses and with addresses from router advertisements', async (context) => {
      await using _router = startProcess({
        name: 'router',
        command: [process.execPath, advertiser, wireName('bond1')],
      });
      for (const [from, to] of [machines, machines.slice(0, 2).reverse()] as const) {
        if (from === undefined || to === undefined) throw new Error('there are two machines');
        for (const scope of ['link', 'global'] as const) {
          await untilIPv6Address(from, scope);
          const printed = await from.run(`ping -6 -c 5 -i 0.2 -I eth0 ${await untilIPv6Address(to, scope)}`);
          context.diagnostic(`${from.name} to ${to.name}: ${printed}`);
          assert.match(printed, noLoss);
        }
      }
      for (const machine of machines.slice(0, 2)) {
        const flags = Number(await machine.exec('sh', '-c', 'cat /sys/class/net/pod*/flags'));
        assert.equal(flags & IFF_PROMISC, 0);
      }
    });

    it('hold one device each, which the webhook requested in the container of qemu', async () => {
      for (const machine of machines.slice(0, 2)) {
        assert.deepEqual(macvtapLimits(await machine.launcher()), { compute: { [resource('bonded')]: '1' } });
      }
    });

    it('open a tap with owner 107:107', async () => {
      for (const machine of machines.slice(0, 2)) {
        assert.deepEqual(Object.values(await tapOwners(machine)), ['107:107']);
      }
    });

    it('have one card and one device for each network, also if two networks use one resource', async () => {
      const machine = at(2);
      assert.deepEqual(macvtapLimits(await machine.launcher()), {
        compute: { [resource('bonded')]: '2', [resource('dataplane')]: '1' },
      });
      assert.deepEqual(Object.values(await tapOwners(machine)), ['107:107', '107:107', '107:107']);
      const macs = await Promise.all(['eth0', 'eth1', 'eth2'].map((card) => machine.mac(card)));
      assert.equal(new Set(macs).size, 3);
      await assertPing(machine, at(0), [many, near]);
    });

    it('with two processors have two queues on each card', async () => {
      const printed = await at(2).run('for card in eth0 eth1 eth2; do ls /sys/class/net/$card/queues; done');
      assert.deepEqual(printed.split(/\s+/), Array(3).fill(['rx-0', 'rx-1', 'tx-0', 'tx-1']).flat());
    });
  });
}
