// SPDX-License-Identifier: Apache-2.0
// Tests MAC addresses of virtual machines and StatefulSets, with real node plugins on two nodes. The API server is a
// stand-in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceMAC } from '../../nodeplugin/cni/pod-mac.ts';
import { interfaceOf } from '../kernel/attached-pod.ts';
import { createPod, machine, startNode, startServer } from './cluster-nodes.ts';
import { needsRealShim, podNamespace, type RuntimeAnswer } from './shim-node.ts';

const options = { skip: needsRealShim, timeout: 300_000 };

function macOf({ exitCode, output }: RuntimeAnswer): string {
  assert.equal(exitCode, 0, JSON.stringify(output));
  return String(interfaceOf(output)?.mac);
}

test('a machine has one address on all nodes, and no other machine has the same one', options, async () => {
  await using server = await startServer();
  await using a = await startNode(server);
  await using b = await startNode(server);
  const source = await a.start(createPod(server, 'virt-launcher-db-aaaaa', machine('db')));
  const target = await b.start(createPod(server, 'virt-launcher-db-bbbbb', machine('db')));
  assert.equal(macOf(target.answer), macOf(source.answer));
  const other = await b.start(createPod(server, 'virt-launcher-web-ccccc', machine('web')));
  assert.notEqual(macOf(other.answer), macOf(source.answer));

  const asked = await a.start(createPod(server, 'virt-launcher-db-ddddd', machine('db')), { mac: '52:54:00:00:00:01' });
  assert.equal(macOf(asked.answer), '52:54:00:00:00:01');
  // The pod has the name of a launcher pod, so the plugin reads its owner. The pod has none, so its address follows
  // from its device.
  const plain = await a.start(createPod(server, 'virt-launcher-none-eeeee'));
  assert.equal(macOf(plain.answer), deviceMAC(a.name, plain.id));
});

test('a pod of a StatefulSet has one address on all nodes', options, async () => {
  await using server = await startServer();
  await using a = await startNode(server);
  await using b = await startNode(server);
  const create = () => createPod(server, 'nginx-0', ['apps/v1', 'StatefulSet', 'nginx']);
  const before = await a.start(create());
  await a.remove(before.call);
  server.store.remove(`Pod/${podNamespace}/nginx-0`);
  const after = await b.start(create());
  assert.equal(macOf(after.answer), macOf(before.answer));
  const sibling = await b.start(createPod(server, 'nginx-1', ['apps/v1', 'StatefulSet', 'nginx']));
  assert.notEqual(macOf(sibling.answer), macOf(before.answer));
});

test(
  'while the API server is down, a recreated sandbox keeps its address, and a new machine waits',
  options,
  async () => {
    await using server = await startServer();
    await using node = await startNode(server);
    const db = createPod(server, 'virt-launcher-db-aaaaa', machine('db'));
    const web = createPod(server, 'virt-launcher-web-bbbbb', machine('web'));
    const plain = createPod(server, 'plain');
    const before = await node.start(db);
    await node.reach.close();
    await node.remove(before.call);
    const again = await node.addTo(before.id, db);
    assert.equal(macOf(again.answer), macOf(before.answer));
    const refused = await node.start(web);
    assert.deepEqual([refused.answer.output?.code, refused.answer.output?.details], [11, 'PodOwnerUnknown']);
    const other = await node.start(plain);
    assert.equal(macOf(other.answer), deviceMAC(node.name, other.id));
    await node.reach.open();
    macOf((await node.addTo(refused.id, web)).answer);
  },
);

test('a machine that runs during the upgrade keeps its address until its next start', options, async () => {
  await using server = await startServer();
  // Without an API server, the address is derived from the device, as in earlier versions.
  await using node = await startNode(server, 'manifests');
  const pod = createPod(server, 'virt-launcher-db-aaaaa', machine('db'));
  const before = await node.start(pod);
  assert.equal(macOf(before.answer), deviceMAC(node.name, before.id));
  await node.restart();
  await node.remove(before.call);
  const again = await node.addTo(before.id, pod);
  assert.equal(macOf(again.answer), macOf(before.answer));
  const next = await node.start(createPod(server, 'virt-launcher-db-bbbbb', machine('db')));
  assert.notEqual(macOf(next.answer), macOf(before.answer));
});
