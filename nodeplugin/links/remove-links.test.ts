// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { decodeAttributes, readNumber, readU32 } from '../netlink/attributes.ts';
import { IFLA, RTM_DELLINK, RTM_SETLINK } from '../netlink/link-message.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { BatchRequester, Reply } from '../netlink/netlink-socket.ts';
import { createRemover } from './remove-links.ts';

const reply = (errno = 0): Reply => ({ errno, messages: [], interrupted: false });

/** Returns a request as `delete 7`, `group 7`, or `delete the group`. The group's number is checked. */
function describe({ type, payload }: NetlinkRequest, groups: Set<number | undefined>): string {
  const ifindex = readU32(payload, 4);
  const group = readNumber(decodeAttributes(payload.subarray(16)), IFLA.GROUP);
  if (type === RTM_SETLINK || ifindex === 0) groups.add(group);
  if (type === RTM_DELLINK) return ifindex === 0 ? 'delete the group' : `delete ${ifindex}`;
  return `group ${ifindex}`;
}

/** Creates a kernel with macvtaps 1 to 9. It answers the first single request only when the test allows it. */
function stage(answer: (request: string) => number = () => 0) {
  const requests: string[][] = [];
  const groups = new Set<number | undefined>();
  const first = Promise.withResolvers<void>();
  const socket: BatchRequester = {
    async request(request) {
      const text = describe(request, groups);
      requests.push([text]);
      if (requests.length === 1) await first.promise;
      return reply(answer(text));
    },
    async requestAll(given) {
      const texts = given.map((request) => describe(request, groups));
      requests.push(texts);
      return texts.map((text) => reply(answer(text)));
    },
  };
  const onRemoval = () => ({ [Symbol.dispose]: () => {} });
  const remove = createRemover(socket, (ifindex) => ifindex < 10, onRemoval);
  return { remove, requests, groups, first };
}

test('a single macvtap is deleted at once, and those that arrive meanwhile are deleted together', async () => {
  const { remove, requests, groups, first } = stage();
  const removals = [1, 2, 3, 4].map((ifindex) => remove(ifindex));
  assert.deepEqual(requests, [['delete 1']]);
  first.resolve();
  await Promise.all(removals);
  assert.deepEqual(requests.slice(1), [['group 2', 'group 3', 'group 4', 'delete the group']]);
  assert.equal(groups.size, 1);
  assert.ok(([...groups][0] ?? 0) >= 0x4000_0000);
});

test('a link that is not a macvtap is never put into a group, and does not wait', async () => {
  const { remove, requests, first } = stage();
  const removals = [1, 2, 20, 21].map((ifindex) => remove(ifindex));
  assert.deepEqual(requests, [['delete 1'], ['delete 20'], ['delete 21']]);
  first.resolve();
  await Promise.all(removals);
});

test('a link that could not be put into the group is deleted separately, and its error is raised', async () => {
  const { EPERM, ENODEV } = constants.errno;
  const { remove, first } = stage((text) => (text.endsWith(' 3') ? EPERM : text.endsWith(' 4') ? ENODEV : 0));
  const removals = Promise.allSettled([1, 2, 3, 4].map((ifindex) => remove(ifindex)));
  first.resolve();
  const outcomes = (await removals).map((one) => (one.status === 'fulfilled' ? 'deleted' : one.reason.code));
  assert.deepEqual(outcomes, ['deleted', 'deleted', 'MissingCapability', 'deleted']);
});

test('each link is deleted separately if the kernel does not delete the group', async () => {
  const { remove, requests, first } = stage((text) => (text === 'delete the group' ? constants.errno.EOPNOTSUPP : 0));
  const removals = [1, 2, 3].map((ifindex) => remove(ifindex));
  first.resolve();
  await Promise.all(removals);
  assert.deepEqual(requests.slice(2), [['delete 2'], ['delete 3']]);
});

test('a caller whose signal aborts stops waiting, and the link is still deleted', async () => {
  const { remove, requests, first } = stage();
  const scope = new AbortController();
  const removals = [remove(1), remove(2, scope.signal)];
  scope.abort(new Error('over'));
  await assert.rejects(removals[1] ?? Promise.resolve(), { code: 'Aborted' });
  first.resolve();
  await removals[0];
  await remove(3);
  assert.deepEqual(requests, [['delete 1'], ['delete 2'], ['delete 3']]);
});
