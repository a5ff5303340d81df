// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { explainCreateFailure, type MacvtapRequest } from './create-macvtap.ts';
import type { LinkDetails, LinkKey } from './get-link.ts';

const { errno } = constants;
const request: MacvtapRequest = { name: 'mvt0', ifindex: 77, parentIfindex: 4, mode: 'bridge' };
const parent: LinkDetails = { name: 'eth1', ifindex: 4, kind: 'device', up: true, promiscuous: false, mtu: 1500 };

async function lookUp(key: LinkKey): Promise<LinkDetails | undefined> {
  return 'ifindex' in key && key.ifindex === 4 ? parent : undefined;
}

for (const [code, number, change] of [
  ['ParentGone', errno.ENODEV, {}],
  ['ParentEnslaved', errno.EBUSY, {}],
  ['LinkNameInvalid', errno.ERANGE, {}],
  ['MACAddressInvalid', errno.EADDRNOTAVAIL, {}],
  ['MACAddressTaken', errno.EADDRINUSE, {}],
  ['MacvtapUnsupported', errno.EOPNOTSUPP, {}],
  ['MissingCapability', errno.EPERM, {}],
  ['NetlinkRefused', errno.ENOMEM, {}],
  ['LinkNameInvalid', errno.EINVAL, { name: 'a/b' }],
  ['MTUAboveParent', errno.EINVAL, { mtu: 1501 }],
  ['PassthruExclusive', errno.EINVAL, { mtu: 1500 }],
  ['PassthruExclusive', errno.EINVAL, { mode: 'passthru' }],
  ['LinkNameTaken', errno.EEXIST, {}],
  ['IfindexTaken', errno.EEXIST, { ifindex: 4 }],
] as const) {
  test(`errno ${number} for ${JSON.stringify(change)} is ${code}, and the message has link, parent and next step`, async () => {
    const wanted = { ...request, ...change };
    const error = await explainCreateFailure(wanted, { errno: number }, lookUp);
    assert.equal(error.code, code);
    assert.match(error.message, new RegExp(`macvtap ${wanted.name} .*ifindex 4: .+; .+`));
    assert.equal(error.facts.parentIfindex, 4);
  });
}

test("the kernel's text is in the message, and decides about the explanation", async () => {
  const refusal = { errno: errno.EINVAL, text: 'mtu less than device minimum' };
  const error = await explainCreateFailure({ ...request, mtu: 10 }, refusal, lookUp);
  assert.equal(error.code, 'NetlinkRefused');
  assert.match(error.message, /mtu less than device minimum: invalid argument \(EINVAL\)/);
});

test('in another namespace it is unknown whether the name or the index is taken, and the message contains both', async () => {
  const error = await explainCreateFailure({ ...request, ifindex: 4, netnsFd: 9 }, { errno: errno.EEXIST }, lookUp);
  assert.equal(error.code, 'LinkNameTaken');
  assert.match(error.message, /the name or the ifindex 4/);
});

test('the error for a link that has both the name and the index is about its name', async () => {
  const error = await explainCreateFailure({ ...request, name: 'eth1', ifindex: 4 }, { errno: errno.EEXIST }, lookUp);
  assert.equal(error.code, 'LinkNameTaken');
});
