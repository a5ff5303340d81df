// SPDX-License-Identifier: Apache-2.0
// Sends frames through the taps of attached pods, as their virtual machines do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../process/until.ts';
import { captureFrames } from './cni-capture.ts';
import { type CNINode, makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { ethernetFrame, frameText, openTap, type Tap } from './tap-frames.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot, timeout: 180_000 };
const station = '02:00:00:00:00:bb';
const patienceMs = 60_000;

/** Attaches a pod and opens its tap. */
async function attach(node: CNINode, index: number) {
  await using undo = new AsyncDisposableStack();
  const pod = undo.use(await makeNetworkNamespace());
  const deviceID = `netMvp${index}`;
  const tapPath = await node.allocate(deviceID);
  const { exitCode, output } = await node.call('ADD', {
    netns: pod.path,
    containerID: `c${index}`,
    conf: { deviceID },
  });
  assert.equal(exitCode, 0, JSON.stringify(output));
  const [made] = (output?.interfaces ?? []) as readonly { mac: string }[];
  const tap = undo.use(await openTap(tapPath));
  const scope = undo.move();
  return { mac: made?.mac ?? '', tap, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

const hears = async (tap: Tap, text: string) =>
  (await tap.receive((frame) => frameText(frame) === text, patienceMs)) !== undefined;

async function openWire() {
  const [peer] = await here.ipJSON<{ ifindex: number }>('link show p1');
  return captureFrames(peer?.ifindex ?? 0);
}

for (const { mode, crosses, leaves } of [
  { mode: 'bridge', crosses: true, leaves: false },
  { mode: 'private', crosses: false, leaves: true },
  { mode: 'vepa', crosses: false, leaves: true },
] as const) {
  test(
    `in ${mode} mode a frame from one pod to another ${crosses ? 'arrives there' : 'leaves through the parent'}`,
    options,
    async () => {
      await using node = await makeCNINode(here, { mode });
      await using one = await attach(node, 0);
      await using two = await attach(node, 1);
      using wire = await openWire();
      const heard: string[] = [];
      await one.tap.send(ethernetFrame(two.mac, one.mac, 'to the other'));
      // Frames on one path stay in order. When this frame has arrived, the earlier one can no longer arrive.
      await one.tap.send(ethernetFrame(station, one.mac, 'to the wire'));
      await until(
        async () => heard.push(...wire.take().map((frame) => frameText(frame) ?? '')),
        () => heard.includes('to the wire'),
      );
      assert.equal(heard.includes('to the other'), leaves);
      wire.send(ethernetFrame(two.mac, station, 'from the wire'));
      const arrived: string[] = [];
      await two.tap.receive(
        (frame) => arrived.push(frameText(frame) ?? '') > 0 && arrived.includes('from the wire'),
        patienceMs,
      );
      assert.deepEqual(
        arrived.filter((text) => text !== ''),
        [...(crosses ? ['to the other'] : []), 'from the wire'],
      );
    },
  );
}

test('in vepa mode a frame that the switch sends back reaches the other pod', options, async () => {
  await using node = await makeCNINode(here, { mode: 'vepa' });
  await using one = await attach(node, 0);
  await using two = await attach(node, 1);
  using wire = await openWire();
  wire.send(ethernetFrame(two.mac, one.mac, 'sent back'));
  assert.ok(await hears(two.tap, 'sent back'));
});

test("in passthru mode only the virtual machine uses the parent, with the parent's address", options, async () => {
  await using node = await makeCNINode(here, { mode: 'passthru' });
  await using one = await attach(node, 0);
  const [parent] = await here.ipJSON<{ address: string }>('link show p0');
  assert.equal(one.mac, parent?.address);
  using wire = await openWire();
  wire.send(ethernetFrame('02:00:00:00:00:cc', station, 'to a stranger'));
  assert.ok(await hears(one.tap, 'to a stranger'));
});

test('a tap before ADD passes no frames, in either direction', options, async () => {
  await using node = await makeCNINode(here);
  await using attached = await attach(node, 0);
  const tapPath = await node.allocate('netMvp1');
  await using tap = await openTap(tapPath);
  using wire = await openWire();
  // Some kernels refuse the frame (EIO), and others drop it.
  await tap.send(ethernetFrame('ff:ff:ff:ff:ff:ff', station, 'from nobody')).catch(() => undefined);
  wire.send(ethernetFrame('ff:ff:ff:ff:ff:ff', station, 'to all'));
  assert.ok(await hears(attached.tap, 'to all'));
  assert.equal(await tap.receive(() => true, 0), undefined);
  await attached.tap.send(ethernetFrame('ff:ff:ff:ff:ff:ff', attached.mac, 'from the attached'));
  const heard: string[] = [];
  await until(
    async () => heard.push(...wire.take().map((frame) => frameText(frame) ?? '')),
    () => heard.includes('from the attached'),
  );
  assert.ok(!heard.includes('from nobody'));
});

test(
  'a guest cannot reach its node through the parent, but through a macvlan in bridge mode on the parent',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using guest = await attach(node, 0);
    await here.ip('link add node0 link p0 type macvlan mode bridge');
    await here.ip('link set node0 up');
    const [parent] = await here.ipJSON<{ ifindex: number; address: string }>('link show p0');
    const [macvlan] = await here.ipJSON<{ ifindex: number; address: string }>('link show node0');
    assert.ok(parent && macvlan);
    using wire = await openWire();
    using atMacvlan = captureFrames(macvlan.ifindex);
    const textsOf = (frames: readonly Uint8Array[]) => frames.map((frame) => frameText(frame) ?? '');

    await guest.tap.send(ethernetFrame(parent.address, guest.mac, 'to the parent'));
    await guest.tap.send(ethernetFrame(macvlan.address, guest.mac, 'to the macvlan'));
    await guest.tap.send(ethernetFrame(station, guest.mac, 'to the wire'));
    const [onWire, onNode] = [[] as string[], [] as string[]];
    await until(
      async () => onWire.push(...textsOf(wire.take())) + onNode.push(...textsOf(atMacvlan.take())),
      () => onWire.includes('to the wire') && onNode.includes('to the macvlan'),
    );
    assert.ok(onWire.includes('to the parent'), 'what is for the parent leaves the node');
    assert.ok(!onWire.includes('to the macvlan'));
    atMacvlan.send(ethernetFrame(guest.mac, macvlan.address, 'from the macvlan'));
    assert.ok(await hears(guest.tap, 'from the macvlan'));
  },
);
