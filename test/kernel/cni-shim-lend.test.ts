// SPDX-License-Identifier: Apache-2.0
// Tests that the shim passes the node plugin an rtnetlink socket of the pod's namespace, and of no other namespace.
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { decodeFrame, encodeFrame, type Frame } from '../../nodeplugin/cni/shim/frame.ts';
import { receiveDescriptor } from '../../nodeplugin/cni/shim/unix-socket.ts';
import { getLink } from '../../nodeplugin/links/get-link.ts';
import { encodeSetMacvtapMode } from '../../nodeplugin/netlink/link-requests.ts';
import { NetlinkSocket } from '../../nodeplugin/netlink/netlink-socket.ts';
import { needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { assertEnd, callOf } from './shim-calls.ts';
import { answer, makeShimPeer } from './shim-peer.ts';
import { makeShim, needsShim, type ShimEnd, variants } from './shim-program.ts';

const { here, there } = await runInNamespace(import.meta.filename);

interface Loan {
  readonly end: ShimEnd;
  readonly frame: Frame;
  readonly descriptor: number | undefined;
}

/** Runs an ADD during which a stand-in for the node plugin requests the socket. */
async function borrow(variant: (typeof variants)[number], netns: string): Promise<Loan> {
  await using shim = await makeShim(variant);
  const { promise, resolve, reject } = Promise.withResolvers<Omit<Loan, 'end'>>();
  await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
    await next();
    const ask = () => void socket.write(encodeFrame({ type: 'lend' }));
    await receiveDescriptor(socket, 512, ask, AbortSignal.timeout(10_000)).then(
      ({ bytes, descriptor }) => resolve({ frame: decodeFrame(bytes), descriptor }),
      reject,
    );
    socket.end(answer(0, 'added'));
  });
  const end = await shim.run(callOf('ADD', { CNI_NETNS: netns }));
  return { end, ...(await promise) };
}

for (const variant of variants) {
  const skip = needsRoot || needsShim[variant];
  test(`${variant}: with the socket, the peer can change the mode of a link in the pod's namespace`, {
    skip,
  }, async () => {
    await here.ip('link add p0 type veth peer name p1');
    await here.ip('link set p0 up');
    await here.ip('link add link p0 name tap-lend type macvtap mode private');
    await here.ip(`link set tap-lend netns ${there.name}`);
    try {
      const { end, frame, descriptor } = await borrow(variant, there.path);
      assertEnd(end, 0, 'added');
      assert.deepEqual(frame, { type: 'lent', errno: 0, step: 'socket' });
      assert.ok(descriptor !== undefined);
      await using socket = new NetlinkSocket({ concurrency: 1, opened: descriptor });
      const link = await getLink(socket, { name: 'tap-lend' });
      assert.equal(link?.macvtapMode, 'private');
      assert.equal((await socket.request(encodeSetMacvtapMode(link?.ifindex ?? 0, 'bridge'))).errno, 0);
      assert.equal((await getLink(socket, { name: 'tap-lend' }))?.macvtapMode, 'bridge');
      const [shown] = await there.ipJSON<{ linkinfo: { info_data: { mode: string } } }>('link show tap-lend');
      assert.equal(shown?.linkinfo.info_data.mode, 'bridge');
    } finally {
      await here.ip('link del p0');
    }
  });

  test(`${variant}: without a namespace, the shim lends no socket, and the ADD continues`, { skip }, async () => {
    for (const [netns, step] of [
      ['/run/netns/no-such-namespace', 'open'],
      ['/dev/null', 'setns'],
    ] as const) {
      const { end, frame, descriptor } = await borrow(variant, netns);
      if (descriptor !== undefined) closeSync(descriptor);
      assertEnd(end, 0, 'added');
      assert.deepEqual([frame.type, 'step' in frame && frame.step, descriptor], ['lent', step, undefined]);
    }
  });
}
