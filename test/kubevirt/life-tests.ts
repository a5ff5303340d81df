// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { killContainer } from '../cluster/kill-container.ts';
import { untilHeld } from '../cluster/resources.ts';
import { until } from '../process/until.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine, type Machine, machineGuardMs } from './machine.ts';
import { type FrameEnd, startGuestFrames } from './numbered-frames.ts';
import { assertPing } from './start-tests.ts';

/**
 * The interval is longer than usual. On a busy machine, a guest may get no processor for seconds. Its socket has room
 * for about 250 frames, and frames that do not fit would count as missing.
 */
const framesEveryMs = 50;

export function lifeTests(cluster: KubeVirtCluster): void {
  describe('the life of a virtual machine', () => {
    let machine: Machine;
    let peer: Machine;
    const addresses = ['10.51.0.1', '10.51.0.2'] as const;
    const reaches = () => assertPing(machine, peer, addresses);

    before(async () => {
      machine = await createMachine(cluster, { name: 'lives', address: `${addresses[0]}/24`, node: 'h1' });
      peer = await createMachine(cluster, { name: 'peer', address: `${addresses[1]}/24`, node: 'h2' });
      await Promise.all([machine.untilUp(), peer.untilUp()]);
    });
    after(async () => {
      await Promise.all([machine.delete(), peer.delete()]);
      for (const node of ['h1', 'h2']) await untilHeld(cluster, node, 'bonded', 0);
    });

    it('exchanges numbered frames with a peer while the node plugin is killed and an upgrade replaces it', async () => {
      const ends: readonly FrameEnd[] = [
        await startGuestFrames(machine, [await peer.mac()], framesEveryMs),
        await startGuestFrames(peer, [await machine.mac()], framesEveryMs),
      ];
      const goOn = () => Promise.all(ends.map((end) => end.goesOn()));
      await goOn();
      await cluster.killNodePlugin('h1');
      await goOn();
      await cluster.upgrade({ logLevel: 'debug' });
      await cluster.untilRolledOut();
      await goOn();
      for (const end of ends) {
        for (const { missing } of Object.values(await end.counts())) assert.equal(missing, 0);
      }
      for (const one of [machine, peer]) await one.run('killall frames');
    });

    it('is paused and continues', async () => {
      const isPaused = async () =>
        (await machine.instance()).status.conditions?.some(
          ({ type, status }) => type === 'Paused' && status === 'True',
        ) ?? false;
      await machine.call('pause');
      await until(isPaused, Boolean, machineGuardMs);
      await machine.call('unpause');
      await until(isPaused, (paused) => !paused, machineGuardMs);
      await reaches();
    });

    it('reboots when its power button is pressed, in the same launcher', async () => {
      const { metadata } = await machine.launcher();
      const [boot, mac] = [await readBoot(machine), await machine.mac()];
      await machine.call('softreboot');
      await machine.untilBooted(2);
      assert.notEqual(await readBoot(machine), boot);
      assert.deepEqual([(await machine.launcher()).metadata.uid, await machine.mac()], [metadata.uid, mac]);
      await reaches();
    });

    it('restarts after its launcher was killed', async () => {
      const before = await machine.instance();
      await killContainer(cluster, 'h1', { pod: (await machine.launcher()).metadata.name, container: 'compute' });
      await machine.untilReplaced(before);
      await reaches();
    });

    it('restarts after the sandbox of its launcher was killed', async () => {
      const before = await machine.instance();
      await killContainer(cluster, 'h1', { pod: (await machine.launcher()).metadata.name });
      await machine.untilReplaced(before);
      await reaches();
    });

    it('is stopped, which releases its device, and started on another node with the same MAC address', async () => {
      const mac = await machine.mac();
      await machine.stop();
      await untilHeld(cluster, 'h1', 'bonded', 0);
      assert.equal((await machine.start('h2')).status.nodeName, 'h2');
      assert.equal(await machine.mac(), mac);
      await reaches();
    });
  });
}

/** Returns a UUID that is unique for each start of the guest's kernel. */
async function readBoot(machine: Machine): Promise<string> {
  return await machine.run('cat /proc/sys/kernel/random/boot_id');
}
