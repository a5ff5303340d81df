// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { deletePod, runPod } from '../cluster/pods.ts';
import { untilAllocatable, untilHeld } from '../cluster/resources.ts';
import { readPodTap } from '../cluster/taps.ts';
import { until } from '../process/until.ts';
import { exchangeFrames, type FrameExchange } from './exchange-frames.ts';
import { deletePolicy, machine, network, peer, policy } from './machine-cluster.ts';
import { readNodeState, readPodLinks, readResource, untilEvent, untilReported } from './node-state.ts';
import { vlanOffers } from './vlan-tests.ts';

const guardMs = 300_000;
const parent = 'eth3';
const renamed = 'lan3';

const card = (node: string, settings: object = { quantity: 3 }) =>
  policy(`card-${node}`, [node], [{ parentIface: parent, resourceName: 'card', ...settings }]);

const offers = (onMachine: { readonly card?: number }) => ({
  [peer]: { ...vlanOffers[peer], card: 3 },
  [machine]: { ...vlanOffers[machine], ...onMachine },
});

/** Tests with an e1000e card. The tests share a pod, and each of them begins with the state that the last one left. */
export function parentTests(cluster: MacvtapCluster): void {
  const inMachine = (script: string) => cluster.run(machine, 'sh', '-ec', script);
  /** Runs a command in the machine until it succeeds. */
  const untilDone = async (command: string) => {
    const attempt = async () => await inMachine(`${command} && echo done || true`);
    await until(attempt, (printed) => printed.includes('done'), guardMs);
  };
  const rename = (from: string, to: string) =>
    inMachine(`ip link set ${from} down; ip link set ${from} name ${to}; ip link set ${to} up`);
  const untilCard = (isWanted: Parameters<typeof untilReported>[3]) =>
    untilReported(cluster, machine, 'card', isWanted);
  const untilHealthy = () => untilCard((resource) => resource?.health === 'Healthy');

  describe('a card that changes under a pod', () => {
    let frames: FrameExchange;
    let ifindex: number;

    before(async () => {
      await cluster.apply([card(machine), card(peer), network('card')]);
      await untilAllocatable(cluster, offers({ card: 3 }));
      await runPod(cluster, { name: 'on-card', node: machine, networks: 'card' });
      await runPod(cluster, { name: 'on-peer', node: peer, networks: 'card' });
      ({ ifindex } = await readPodTap(cluster, 'on-card'));
      frames = await exchangeFrames(cluster, ['on-card', 'on-peer']);
      await frames.goesOn();
    });
    after(async () => {
      for (const pod of ['on-card', 'on-peer']) await deletePod(cluster, pod);
      for (const node of [machine, peer]) await deletePolicy(cluster, `card-${node}`);
      await untilAllocatable(cluster, vlanOffers);
    });

    it('offers nothing while it is renamed, but the pod keeps its link, and the state has the new name', async () => {
      await rename(parent, renamed);
      const away = await untilCard((resource) => resource?.health === 'Unhealthy');
      assert.deepEqual([away?.code, away?.held, away?.lost], ['NothingFound', 1, undefined]);
      assert.deepEqual(away?.heldElsewhere, [{ parent: renamed, mode: 'bridge', held: 1 }]);
      await untilAllocatable(cluster, offers({ card: 1 }));
      await frames.goesOn();
    });

    it('is as before when it is renamed back', async () => {
      await rename(renamed, parent);
      const back = await untilHealthy();
      assert.deepEqual([back?.held, back?.lost, back?.heldElsewhere], [1, undefined, undefined]);
      await untilAllocatable(cluster, offers({ card: 3 }));
      await frames.goesOn();
      assert.equal((await readPodTap(cluster, 'on-card')).ifindex, ifindex);
    });

    it('cannot become the port of a bond, and the pod keeps its link', async () => {
      await inMachine(`ip link add bond9 mtu 9000 type bond; ip link set ${parent} down`);
      await assert.rejects(inMachine(`ip link set ${parent} master bond9`), /Device is in use and cannot be enslaved/);
      await inMachine(`ip link del bond9; ip link set ${parent} up`);
      await untilHealthy();
      await frames.goesOn();
      assert.equal((await readPodTap(cluster, 'on-card')).ifindex, ifindex);
    });

    it('has its MTU lowered: the state, the pod and the Node report it, also when the MTU is raised again', async () => {
      await inMachine(`ip link set ${parent} mtu 1400`);
      // The card has no carrier for a moment, because its driver resets it, and NoCarrier comes before MtuLowered.
      const lowered = await untilCard((resource) => resource?.code === 'MtuLowered');
      assert.deepEqual([lowered?.health, lowered?.mtuLowered], ['Degraded', 1]);
      await untilEvent(cluster, 'on-card', 'MtuLowered');
      await untilEvent(cluster, machine, 'ParentMtuLowered');
      await inMachine(`ip link set ${parent} mtu 9000`);
      const shown = async () => (await readNodeState(cluster, machine)).interfaces?.find(({ name }) => name === parent);
      await until(shown, (nic) => nic?.mtu === 9000, guardMs);
      assert.equal((await readPodTap(cluster, 'on-card')).mtu, 1400);
      assert.equal((await readResource(cluster, machine, 'card'))?.mtuLowered, 1);
      await frames.goesOn();
    });

    it('keeps its macvtaps while a program has a tap open: the kernel does not unload the module macvtap', async () => {
      await assert.rejects(inMachine('modprobe -r macvtap'), /Module macvtap is in use/);
      await frames.goesOn();
      await frames.stop();
    });

    it('loses its macvtaps with the module macvtap, which is reported on the pod and the Node', async () => {
      await untilDone('modprobe -r macvtap');
      const lost = await untilCard((resource) => resource?.lost === 1);
      assert.deepEqual([lost?.health, lost?.code, lost?.held], ['Degraded', 'LinksLost', 1]);
      await untilEvent(cluster, 'on-card', 'AttachmentLost');
      await untilEvent(cluster, machine, 'AttachmentsLost');
      assert.deepEqual(await readPodLinks(cluster, 'on-card'), ['eth0', 'lo']);
    });

    it('has a macvtap for the next pod, because the kernel loads the module again', async () => {
      await deletePod(cluster, 'on-card');
      await runPod(cluster, { name: 'on-card', node: machine, networks: 'card' });
      frames = await exchangeFrames(cluster, ['on-card', 'on-peer']);
      await frames.goesOn();
      await frames.stop();
      assert.match(await inMachine('lsmod'), /^macvtap /m);
      const whole = await untilCard((resource) => resource?.health === 'Healthy' && resource.held === 1);
      assert.equal(whole?.lost, undefined);
    });

    it('becomes the port of a bond when its pod is gone, and is offered again when it has left the bond', async () => {
      await deletePod(cluster, 'on-card');
      await untilHeld(cluster, machine, 'card', 0);
      await inMachine(`ip link add bond9 mtu 9000 type bond; ip link set ${parent} down`);
      // The node plugin removes the links of released devices only after its grace period.
      await untilDone(`ip link set ${parent} master bond9`);
      const port = await untilCard((resource) => resource?.code === 'Enslaved');
      assert.equal(port?.health, 'Unhealthy');
      const { skipped = [] } = await readNodeState(cluster, machine);
      const found = skipped.filter(({ name }) => name.endsWith(` ${parent}`)).map(({ code, by }) => [code, by]);
      assert.deepEqual(found, [['Enslaved', 'bond9']]);
      await untilAllocatable(cluster, offers({}));
      await inMachine(`ip link set ${parent} nomaster; ip link del bond9; ip link set ${parent} mtu 9000 up`);
      await untilAllocatable(cluster, offers({ card: 3 }));
    });

    it('has one device in mode passthru, with its own MAC address', async () => {
      await cluster.apply([card(machine, { mode: 'passthru' })]);
      await untilAllocatable(cluster, offers({ card: 1 }));
      await runPod(cluster, { name: 'on-card', node: machine, networks: 'card' });
      const own = await inMachine(`cat /sys/class/net/${parent}/address`);
      assert.equal((await readPodTap(cluster, 'on-card')).mac, own.trim());
      frames = await exchangeFrames(cluster, ['on-card', 'on-peer']);
      await frames.goesOn();
    });
  });
}
