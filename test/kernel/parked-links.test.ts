// SPDX-License-Identifier: Apache-2.0
// The other macvtaps of a node while a guest migrates to it, on the real kernel.
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

/** /dev is one for all namespaces: indexes that no device of a node plugin has. */
const indexes = { peer: 0x2100_0000 + process.pid * 2, guest: 0x2100_0001 + process.pid * 2 } as const;

/** A parent whose other end plays the wire, and the links of a peer and of a guest that is on its way. */
async function makeLinks() {
  await here.ip('link add p0 type veth peer name wire');
  for (const name of ['p0', 'wire']) await here.ip(`link set ${name} up`);
  const add = (name: keyof typeof indexes, mac: string, mode: string) =>
    here.ip(`link add link p0 name ${name} index ${indexes[name]} address ${mac} type macvtap mode ${mode}`);
  await add('peer', peerMAC, 'bridge');
  await add('guest', guestMAC, 'private');
  for (const name of ['peer', 'guest']) {
    // The kernel's own frames would count as the guest's.
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

/** A frame out of the tap of a link, as a virtual machine sends it. */
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

test('other macvtaps reach the guest from its first frame on, and not before', { skip: needsRoot }, async () => {
  await using _ = await makeLinks();
  await using waiting = park();
  waiting.parked.add({ id: 'netMvp0', ifindex: indexes.guest, socket: open() });
  await send('peer', guestMAC);
  assert.deepEqual([await receivedByGuest(), await modeOfGuest(), waiting.released], [0, 'private', []]);
  // As qemu announces a guest that resumed.
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

test('a link that goes while it waits ends the wait', { skip: needsRoot }, async () => {
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

test('a node plugin that ends releases what waits, since nothing could do so later', { skip: needsRoot }, async () => {
  await using _ = await makeLinks();
  const waiting = park();
  waiting.parked.add({ id: 'netMvp0', ifindex: indexes.guest, socket: open() });
  await waiting[Symbol.asyncDispose]();
  assert.equal(await modeOfGuest(), 'bridge');
  // Not an arrival: the guest has sent nothing.
  assert.deepEqual(waiting.released, [['netMvp0', false]]);
});
