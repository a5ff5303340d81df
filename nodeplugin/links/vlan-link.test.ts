// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { shortVlanName } from '../../policy/plan/vlan.ts';
import { decodeAttributes, readString } from '../netlink/attributes.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { LinkDetails } from './get-link.ts';
import { finishVlan } from './vlan-link.ts';

const { EBUSY } = constants.errno;
const unfinished = { ifindex: 9, lower: 'bond1', id: 100, up: true };

/** A kernel with one link. As Linux before 6.2, it refuses a name for a link that is up. */
function makeKernel(name: string, up: boolean) {
  const link = { name, up, alias: undefined as string | undefined };
  const request = async ({ payload }: NetlinkRequest) => {
    const attributes = decodeAttributes(payload.subarray(16));
    const [wanted, alias] = [3, 20].map((type) => readString(attributes, type));
    if (wanted !== undefined && link.up) return { errno: EBUSY, messages: [], interrupted: false };
    // struct ifinfomsg: the flag IFF_UP, and whether it changes.
    if (payload[12] !== 0) link.up = payload[8] === 1;
    Object.assign(link, wanted !== undefined && { name: wanted }, alias !== undefined && { alias });
    return { errno: 0, messages: [], interrupted: false };
  };
  const details = (): LinkDetails => ({ ...link, ifindex: 9, kind: 'vlan', promiscuous: false, mtu: 1500 });
  return { link, request, lookUp: async () => details() };
}

for (const [title, name, up] of [
  ['that has its final name and is up is not renamed, although the caller still saw its short name', 'bond1.100', true],
  ['with its short name that is up is renamed', shortVlanName('bond1', 100), true],
  ['with its short name that is down is renamed', shortVlanName('bond1', 100), false],
] as const) {
  test(`a VLAN ${title}`, async () => {
    const kernel = makeKernel(name, up);
    await finishVlan(kernel, kernel.lookUp, unfinished);
    assert.deepEqual(kernel.link, { name: 'bond1.100', up: true, alias: 'kube-macvtap' });
  });
}

test('a VLAN that is gone needs nothing', async () => {
  const request = async () => assert.fail('there is nothing to change');
  await finishVlan({ request }, async () => undefined, unfinished);
});
