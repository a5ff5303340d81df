// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarizeHeld } from './summarize-held.ts';

const parents = {
  find: (name: string) => ({ eth0: 2, eth1: 3 })[name],
  has: (ifindex: number) => ifindex === 2 || ifindex === 3,
};
const device = (id: string, more: object = {}) => ({ id, resource: 'net', ...more });
const onEth0 = { parent: 'eth0', mode: 'bridge', parentIfindex: 2 } as const;

test('what pods hold is counted by resource, with what all of it stands on', () => {
  const held = [device('a', onEth0), device('b', onEth0), { ...device('c', onEth0), resource: 'other' }];
  assert.deepEqual(
    [...summarizeHeld(held, parents)],
    [
      ['net', { held: 2, lost: 0, parent: 'eth0', mode: 'bridge' }],
      ['other', { held: 1, lost: 0, parent: 'eth0', mode: 'bridge' }],
    ],
  );
});

test('devices on different parents, or of which the ledger lost what it knew, have none in common', () => {
  const moved = { ...onEth0, parent: 'eth1', parentIfindex: 3 };
  assert.deepEqual(summarizeHeld([device('a', onEth0), device('b', moved)], parents).get('net'), {
    held: 2,
    lost: 0,
    mode: 'bridge',
  });
  assert.deepEqual(summarizeHeld([device('a')], parents).get('net'), { held: 1, lost: 0 });
});

test('a link is lost with its parent, though another one has its name now; one without a link is not', () => {
  const lost = { ...onEth0, parentIfindex: 7 };
  const renamed = { ...onEth0, parent: 'old0' };
  const withoutLink = { parent: 'eth0', mode: 'bridge' } as const;
  const gone = { parent: 'eth9', mode: 'bridge' } as const;
  const held = [lost, renamed, withoutLink, gone].map((more, index) => device(String(index), more));
  assert.equal(summarizeHeld(held, parents).get('net')?.lost, 2);
});
