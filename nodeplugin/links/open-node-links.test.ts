// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Links } from './links.ts';
import { observeLinks } from './open-node-links.ts';

const failing = (error: Error) => ({ getLink: () => Promise.reject(error) }) as unknown as Links;

test('a failed call is reported with its code, and its error also reaches the caller', async () => {
  const told: string[] = [];
  const error = new MacvtapError('NetlinkLost', 'lost');
  const links = observeLinks(failing(error), ({ code }) => void told.push(code));
  await assert.rejects(links.getLink({ name: 'a' }), error);
  assert.deepEqual(told, ['NetlinkLost']);
});

test('neither an aborted nor a successful call is reported', async () => {
  const links = observeLinks(failing(new MacvtapError('Aborted', '')), () => assert.fail('told'));
  await assert.rejects(links.getLink({ name: 'a' }));
  const good = observeLinks({ deleteLink: async () => {} } as unknown as Links, () => assert.fail('told'));
  await good.deleteLink(3);
});
