// SPDX-License-Identifier: Apache-2.0
// Dynamic resource allocation on a machine that really reboots.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { anyClass, attributes, claimTemplate, makeClaimingPod, readClaimed } from '../cluster/claims.ts';
import { clusterFolder } from '../cluster/layout.ts';
import { deletePod, readPod, runInPod, runPod, untilPodReady } from '../cluster/pods.ts';
import { untilHeld } from '../cluster/resources.ts';
import { readPodTap } from '../cluster/taps.ts';
import { makeAsker } from '../control-plane/ask-why.ts';
import { until } from '../process/until.ts';
import { machine, machineClusterOfFile, network, policy } from './machine-cluster.ts';

const cluster = await machineClusterOfFile({ allocation: 'DRA' });
const guardMs = 600_000;

/** Returns the pod's UID, and its tap and MAC address after a process in the pod has opened the tap. */
async function openedTap(name: string) {
  const { metadata } = await readPod(cluster, name);
  const { path, mac } = await readPodTap(cluster, name);
  await runInPod(cluster, name, `exec 3<>${path}`);
  return { uid: metadata.uid, path, mac };
}

describe('a pod with a macvtap on a node that uses DRA', () => {
  before(async () => {
    const entry = { parentIface: 'eth1', resourceName: 'data', mode: 'bridge', quantity: 4 };
    await cluster.apply([policy('dra', [machine], [entry]), network('data')]);
    await runPod(cluster, { name: 'kept', node: machine, networks: 'data' });
    await untilHeld(cluster, machine, 'data', 1);
  });

  it('gets the cards that its claims ask for by CEL: by parent, by NUMA node, and by speed', async (t) => {
    const entries = ['eth2', 'eth3'].map((parentIface) => ({ parentIface, resourceName: `of-${parentIface}` }));
    const parents = { 'by-parent': 'eth2', 'by-numa': 'eth3', 'by-speed': 'eth1' };
    await cluster.apply([
      policy('cards', [machine], entries),
      ...['of-eth2', 'of-eth3'].map((name) => network(name)),
      anyClass,
      claimTemplate('by-parent', { expression: `${attributes}.parent == "eth2"` }),
      claimTemplate('by-numa', { expression: `${attributes}.numaNode == 0` }),
      // The other cards have 1,000 Mb/s.
      claimTemplate('by-speed', { expression: `${attributes}.speedMbps >= 10000` }),
      claimTemplate('nowhere', { expression: `${attributes}.numaNode == 7` }),
    ]);
    await untilHeld(cluster, machine, 'of-eth3', 0);
    await makeClaimingPod(cluster, { name: 'none', node: machine, networks: 'data' }, 'nowhere');
    const picky = { name: 'picky', node: machine, networks: 'of-eth2,of-eth3,data' };
    await makeClaimingPod(cluster, picky, ...Object.keys(parents));
    await untilPodReady(cluster, 'picky');
    const chosen = Object.keys(parents).map(async (name) => [name, await readClaimed(cluster, 'picky', name)] as const);
    const byClaim = Object.fromEntries(await Promise.all(chosen));
    for (const [name, { parent, numaNode, speedMbps, driver }] of Object.entries(byClaim)) {
      t.diagnostic(`${name}: ${JSON.stringify({ parent, numaNode, speedMbps, driver })}`);
    }
    assert.deepEqual(
      Object.entries(byClaim).map(([name, { parent }]) => [name, parent]),
      Object.entries(parents).map(([name, string]) => [name, { string }]),
    );
    // Each link is on the card, and its tap opens.
    const links = ['net1', 'net2', 'net3'].map((name) => `/sys/class/net/${name}`);
    const script = `for link in ${links.join(' ')}; do exec 3<>/dev/tap$(cat $link/ifindex) && cat $link/iflink; done`;
    const cards = ['eth2', 'eth3', 'eth1'].map((name) => `/sys/class/net/${name}/ifindex`);
    assert.equal(await runInPod(cluster, 'picky', script), await cluster.run(machine, 'cat', ...cards));

    const asker = await makeAsker(cluster.kubeconfig, clusterFolder);
    const { causes } = await until(
      () => asker.report('pod/none'),
      (report) => report.causes.length > 0,
      guardMs,
    );
    t.diagnostic(`why pod/none: ${causes[0]?.code}: ${causes[0]?.detail}`);
    assert.match(`${causes[0]?.code}: ${causes[0]?.detail}`, /^StartFailed: .*cannot allocate all claims/);
    await Promise.all(['none', 'picky'].map((name) => deletePod(cluster, name)));
    for (const name of ['of-eth2', 'of-eth3']) await untilHeld(cluster, machine, name, 0);
  });

  for (const [title, powerCut] of [
    ['a reboot', false],
    ['a power cut', true],
  ] as const) {
    it(`runs again after ${title} without anybody deleting it, with the same MAC address and a tap that opens`, async (t) => {
      const before = await openedTap('kept');
      const started = performance.now();
      const note = (what: string) =>
        t.diagnostic(`${what} after ${Math.round((performance.now() - started) / 1_000)} s`);
      await cluster.rebootNode(machine, { powerCut });
      note('kubelet reports the new boot');
      await cluster.untilReady();
      note('the node is Ready');
      // Until kubelet has reported it, a pod from before the reboot also counts as Ready.
      const after = await until(
        () => openedTap('kept').catch(() => undefined),
        (tap) => tap !== undefined,
        guardMs,
      );
      note('the pod runs');
      assert.deepEqual(after, before);
      t.diagnostic(JSON.stringify(after));
      await untilHeld(cluster, machine, 'data', 1);
    });
  }
});
