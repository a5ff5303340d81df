// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { deleteLink } from './delete-link.ts';

function refusing(errno: number) {
  return { request: async () => ({ errno, messages: [], interrupted: false }) };
}

test('a link that is gone already is a success', async () => {
  await deleteLink(refusing(constants.errno.ENODEV), 7);
});

for (const [code, errno] of [
  ['MissingCapability', constants.errno.EPERM],
  ['NetlinkRefused', constants.errno.EOPNOTSUPP],
] as const) {
  test(`errno ${errno} is ${code}, and names the link`, async () => {
    await assert.rejects(deleteLink(refusing(errno), 7), { code, message: /ifindex 7: .+; .+/ });
  });
}
