// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { dump } from './dump.ts';
import type { Reply, Requester } from './netlink-socket.ts';

const request = { type: 18, flags: 0x301, payload: new Uint8Array(16) };
const message = { type: 16, flags: 2, sequence: 1, payload: new Uint8Array() };
const good: Reply = { errno: 0, messages: [message], interrupted: false };
const interrupted: Reply = { ...good, interrupted: true };
const lost = new MacvtapError('NetlinkLost', 'the receive buffer overran');

/** Returns a socket that answers each request with the next of the given replies. An error among them is thrown. */
function answering(...replies: readonly (Reply | MacvtapError)[]): Requester & { readonly asked: () => number } {
  let next = 0;
  return {
    asked: () => next,
    request: async () => {
      const reply = replies[next++];
      if (reply === undefined) throw new Error('asked too often');
      if (reply instanceof MacvtapError) throw reply;
      return reply;
    },
  };
}

test('a dump that was interrupted or lost is repeated', async () => {
  const socket = answering(interrupted, lost, good);
  assert.deepEqual(await dump(socket, request), [message]);
  assert.equal(socket.asked(), 3);
});

test('a dump that is interrupted every time fails after five attempts', async () => {
  const socket = answering(interrupted, interrupted, interrupted, interrupted, lost);
  await assert.rejects(dump(socket, request), { code: 'NetlinkLost' });
  assert.equal(socket.asked(), 5);
});

test("the error of a rejected dump contains the kernel's text, and the dump is not repeated", async () => {
  const socket = answering({ errno: 22, text: 'Invalid values in header', messages: [], interrupted: false });
  await assert.rejects(dump(socket, request), { code: 'NetlinkRefused', message: /Invalid values in header/ });
});

test('a table that does not exist yet is empty', async () => {
  const socket = answering({ errno: 2, messages: [], interrupted: false });
  assert.deepEqual(await dump(socket, request), []);
});

test('any other error is raised without another attempt', async () => {
  await assert.rejects(dump(answering(new MacvtapError('Aborted', 'closed')), request), { code: 'Aborted' });
});
