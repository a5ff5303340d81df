// SPDX-License-Identifier: Apache-2.0
// Tests the links of a migrating guest, with real node plugins on two nodes. The API server is a stand-in, and nothing
// runs in the pods.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationJobLabel, targetReadyAnnotation } from '../../nodeplugin/migration/migration-target.ts';
import type { StandInApiServer } from '../apiserver-standin/start-api-server.ts';
import { interfaceOf } from '../kernel/attached-pod.ts';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { ethernetFrame, openTap } from '../kernel/tap-frames.ts';
import { createPod, machine, put, startNode, startServer } from './cluster-nodes.ts';
import { needsRealShim, podNamespace, type RuntimeAnswer } from './shim-node.ts';
import { until } from './until.ts';

const options = { skip: needsRealShim, timeout: 300_000 };
const targetLabels = { labels: { [migrationJobLabel]: 'job' } };

interface ShownLink {
  readonly ifindex: number;
  readonly address: string;
  readonly linkinfo?: { readonly info_data?: { readonly mode?: string } };
}

async function linkOf(namespace: NetworkNamespace): Promise<ShownLink | undefined> {
  const links = await namespace.ipJSON<ShownLink>('link show type macvtap').catch(() => []);
  return links[0];
}

const modeOf = async (namespace: NetworkNamespace) => (await linkOf(namespace))?.linkinfo?.info_data?.mode;

function assertAdded({ exitCode, output }: RuntimeAnswer): void {
  assert.equal(exitCode, 0, JSON.stringify(output));
  assert.ok(interfaceOf(output)?.mac);
}

/** Marks the guest as running in the target pod, like virt-controller. */
function annotate(server: StandInApiServer, pod: string): void {
  const before = server.store.get(`Pod/${podNamespace}/${pod}`) ?? assert.fail();
  const annotations = { [targetReadyAnnotation]: '2026-01-01 00:00:00 +0000 UTC' };
  put(server, { ...before, metadata: { ...before.metadata, annotations } });
}

test(
  "during a migration, the new link waits for the guest's first frame, and then the old link is removed",
  options,
  async () => {
    await using server = await startServer();
    await using a = await startNode(server);
    await using b = await startNode(server);
    const source = await a.start(createPod(server, 'virt-launcher-db-aaaaa', machine('db')));
    assertAdded(source.answer);
    assert.equal(await modeOf(source.namespace), 'bridge');
    const neighbour = await a.start(createPod(server, 'virt-launcher-web-aaaaa', machine('web')));
    assertAdded(neighbour.answer);

    const target = await b.start(createPod(server, 'virt-launcher-db-bbbbb', machine('db'), targetLabels));
    assertAdded(target.answer);
    const parked = (await linkOf(target.namespace)) ?? assert.fail();
    assert.equal(parked.linkinfo?.info_data?.mode, 'private');
    assert.equal(parked.address, (await linkOf(source.namespace))?.address);
    const reads = server.requests.filter((request) => /^GET \S*\/pods\/virt-launcher-db-bbbbb/.test(request));
    assert.equal(reads.length, 1, reads.join());
    // CHECK accepts the waiting link, and a repeated ADD does not change it.
    await b.check(target.call);

    // A resumed guest announces itself with this frame.
    {
      await using tap = await openTap(`/dev/tap${parked.ifindex}`);
      await tap.send(ethernetFrame('ff:ff:ff:ff:ff:ff', parked.address, 'here'));
    }
    await until(
      () => modeOf(target.namespace),
      (mode) => mode === 'bridge',
    );
    await b.check(target.call);

    annotate(server, 'virt-launcher-db-bbbbb');
    await until(
      () => linkOf(source.namespace),
      (link) => link === undefined,
    );
    assert.equal(await modeOf(neighbour.namespace), 'bridge');
    assert.equal(await modeOf(target.namespace), 'bridge');
    // The source's DEL comes seconds later.
    await a.remove(source.call);
    await b.remove(target.call);
  },
);

test('a migration that fails does not change the source, and leaves nothing of the target', options, async () => {
  await using server = await startServer();
  await using a = await startNode(server);
  await using b = await startNode(server);
  const source = await a.start(createPod(server, 'virt-launcher-db-aaaaa', machine('db')));
  const before = await linkOf(source.namespace);
  const target = await b.start(createPod(server, 'virt-launcher-db-bbbbb', machine('db'), targetLabels));
  assert.equal(await modeOf(target.namespace), 'private');
  await b.remove(target.call);
  server.store.remove(`Pod/${podNamespace}/virt-launcher-db-bbbbb`);
  assert.equal(await linkOf(target.namespace), undefined);
  assert.deepEqual(await linkOf(source.namespace), before);
});

test(
  'a recreated sandbox of a launcher pod whose guest has arrived gets its link in mode bridge',
  options,
  async () => {
    await using server = await startServer();
    await using node = await startNode(server);
    const pod = createPod(server, 'virt-launcher-db-bbbbb', machine('db'), targetLabels);
    annotate(server, 'virt-launcher-db-bbbbb');
    const started = await node.start(pod);
    assertAdded(started.answer);
    assert.equal(await modeOf(started.namespace), 'bridge');
  },
);

test(
  'a node plugin that is asked to end releases the link; after a kill, the next one reports the link',
  options,
  async () => {
    await using server = await startServer();
    await using node = await startNode(server);
    const create = (name: string) => createPod(server, name, machine(name), targetLabels);
    const first = await node.start(create('virt-launcher-db-bbbbb'));
    assert.equal(await modeOf(first.namespace), 'private');
    node.plugin.signal('SIGTERM');
    await node.plugin.exit;
    assert.equal(await modeOf(first.namespace), 'bridge');

    await node.restart();
    const second = await node.start(create('virt-launcher-web-bbbbb'));
    await node.restart();
    assert.equal(await modeOf(second.namespace), 'private');
    await node.plugin.waitForLine(/was killed while a guest migrated here, and its link is still in mode private/);
  },
);
