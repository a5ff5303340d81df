// SPDX-License-Identifier: Apache-2.0
// Tests on the real kernel at which moment the other macvtaps of a node can first reach a guest that migrates to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parkLinks } from '../../nodeplugin/migration/open-migrations.ts';
import { NetlinkSocket } from '../../nodeplugin/netlink/netlink-socket.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { until } from '../process/until.ts';
import { needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { ethernetFrame, openTap } from './tap-frames.ts';

const { here } = await runInNamespace(import.meta.filename);

const guestMAC = '02:00:00:00:00:0b';

const peerMAC = '02:00:00:00:00:0a';

/** All network namespaces share one /dev. No device of a node plugin uses these indexes. */
const indexes = { peer: 0x2100_0000 + process.pid * 2, guest: 0x2100_0001 + process.pid * 2 } as const;

/**
 * Makes the parent p0 with its veth peer `wire`. On p0, it makes two macvtaps: `peer` of another guest, and `guest` of
 * an arriving guest.
 */
async function makeLinks() {
  await here.ip('link add p0 type veth peer name wire');
  for (const name of ['p0', 'wire']) await here.ip(`link set ${name} up`);
  const add = (name: keyof typeof indexes, mac: string, mode: string) =>
    here.ip(`link add link p0 name ${name} index ${indexes[name]} address ${mac} type macvtap mode ${mode}`);
  await add('peer', peerMAC, 'bridge');
  await add('guest', guestMAC, 'private');
  for (const name of ['peer', 'guest']) {
    // Without these settings, the kernel itself sends frames, which the test would take for the guest's.
    await here.ip(`link set ${name} addrgenmode none`);
    await here.ip(`link set ${name} arp off`);
    await here.ip(`link set ${name} up`);
  }
  return { [Symbol.asyncDispose]: async () => void (await here.ip('link del p0').catch(() => undefined)) };
}

async function modeOfGuest(): Promise<string | undefined> {
  const [link] = await here.ipJSON<{ linkinfo?: { info_data?: { mode?: string } } }>('link show guest');
  return link?.linkinfo?.info_data?.mode;
}

async function receivedByGuest(): Promise<number> {
  const [link] = await here.ipJSON<{ stats64: { rx: { packets: number } } }>('-s link show guest');
  return link?.stats64.rx.packets ?? -1;
}

/** Sends a frame from the tap of a link, as a virtual machine does. */
async function send(from: keyof typeof indexes, to: string): Promise<void> {
  await using tap = await openTap(`/dev/tap${indexes[from]}`);
  await tap.send(ethernetFrame(to, from === 'peer' ? peerMAC : guestMAC, 'hello'));
}

function park() {
  const released: (readonly [string, boolean])[] = [];
  const troubles: MacvtapError[] = [];
  const parked = parkLinks({
    onReleased: async (id, hasArrived) => void released.push([id, hasArrived]),
    onTrouble: (error) => void troubles.push(error),
    pollMs: 10,
  });
  return { parked, released, troubles, [Symbol.asyncDispose]: () => parked[Symbol.asyncDispose]() };
}

const open = () => new NetlinkSocket({ concurrency: 1 });

test('other macvtaps reach the guest after its first frame, and not earlier', { skip: needsRoot }, async () => {
  await using _ = await makeLinks();
  await using waiting = park();
  waiting.parked.add({ id: 'netMvp0', ifindex: indexes.guest, socket: open() });
  await send('peer', guestMAC);
  assert.deepEqual([await receivedByGuest(), await modeOfGuest(), waiting.released], [0, 'private', []]);
  // qemu announces a resumed guest in this way.
  await send('guest', 'ff:ff:ff:ff:ff:ff');
  await until(modeOfGuest, (mode) => mode === 'bridge');
  await until(
    async () => waiting.released,
    (released) => released.length === 1,
  );
  assert.deepEqual(waiting.released, [['netMvp0', true]]);
  const before = await receivedByGuest();
  await send('peer', guestMAC);
  assert.deepEqual([await receivedByGuest(), waiting.troubles], [before + 1, []]);
});

test('if a waiting link is deleted, the wait ends', { skip: needsRoot }, async () => {
  await using _ = await makeLinks();
  await using waiting = park();
  let closed = false;
  const socket = open();
  const watched = {
    request: socket.request.bind(socket),
    [Symbol.asyncDispose]: async () => {
      await socket[Symbol.asyncDispose]();
      closed = true;
    },
  };
  waiting.parked.add({ id: 'netMvp0', ifindex: indexes.guest, socket: watched });
  await here.ip('link del guest');
  await until(
    async () => closed,
    (isClosed) => isClosed,
  );
  assert.deepEqual([waiting.released, waiting.troubles], [[], []]);
});

test('a node plugin that ends releases waiting links, because nothing else could do so later', {
  skip: needsRoot,
}, async () => {
  await using _ = await makeLinks();
  const waiting = park();
  waiting.parked.add({ id: 'netMvp0', ifindex: indexes.guest, socket: open() });
  await waiting[Symbol.asyncDispose]();
  assert.equal(await modeOfGuest(), 'bridge');
  // The link is not reported as arrived, because the guest has sent nothing.
  assert.deepEqual(waiting.released, [['netMvp0', false]]);
});
