// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { moveLink } from './links.ts';
import { deleteLink } from './remove-links.ts';

const { errno } = constants;

for (const [code, number] of [
  ['LinkGone', errno.ENODEV],
  ['IfindexTaken', errno.EBUSY],
  ['LinkNameTaken', errno.EEXIST],
  ['LinkNameInvalid', errno.ERANGE],
  ['MissingCapability', errno.EPERM],
  ['NetlinkRefused', errno.EINVAL],
] as const) {
  test(`errno ${number} is ${code}, and the message contains the link, its new name and its new index`, async () => {
    const socket = { request: async () => ({ errno: number, messages: [], interrupted: false }) };
    await assert.rejects(
      moveLink(socket, async () => undefined, { ifindex: 7, netnsFd: 3, name: 'net1', newIfindex: 9 }),
      {
        code,
        message: /ifindex 7 .* as net1 with ifindex 9: .+; .+/,
      },
    );
  });
}

function refusing(errno: number) {
  return { request: async () => ({ errno, messages: [], interrupted: false }) };
}

test('deleting a link that is already gone succeeds', async () => {
  await deleteLink(refusing(constants.errno.ENODEV), 7);
});

for (const [code, errno] of [
  ['MissingCapability', constants.errno.EPERM],
  ['NetlinkRefused', constants.errno.EOPNOTSUPP],
] as const) {
  test(`errno ${errno} is ${code}, and the message names the link`, async () => {
    await assert.rejects(deleteLink(refusing(errno), 7), { code, message: /ifindex 7: .+; .+/ });
  });
}
