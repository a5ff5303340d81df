// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { afterEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openEvents } from '../../nodeplugin/links/interface-events.ts';
import { encodeGetNetnsID } from '../../nodeplugin/links/netns-id.ts';
import { dump } from '../../nodeplugin/netlink/dump.ts';
import { decodeLink } from '../../nodeplugin/netlink/link-message.ts';
import {
  encodeCreateMacvtap,
  encodeDeleteLink,
  encodeDumpLinks,
  encodeGetLink,
} from '../../nodeplugin/netlink/link-requests.ts';
import { NetlinkSocket } from '../../nodeplugin/netlink/netlink-socket.ts';
import { needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const loopback = encodeGetLink({ ifindex: 1 });

afterEach(async () => {
  if (!needsRoot) await here.ip('link del p0').catch(() => undefined);
});

test('each of many requests at once gets its own reply', async () => {
  await using socket = new NetlinkSocket({ concurrency: 2 });
  const asked = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 1 : 1_000_000 + i));
  const replies = await Promise.all(asked.map((ifindex) => socket.request(encodeGetLink({ ifindex }))));
  for (const [i, reply] of replies.entries()) {
    const ifindexes = reply.messages.map(({ payload }) => decodeLink(payload).ifindex);
    assert.deepEqual([reply.errno, ifindexes], asked[i] === 1 ? [0, [1]] : [19, []]);
  }
});

test('a brief request overtakes both the running request and those that wait', async () => {
  await using socket = new NetlinkSocket({ concurrency: 1 });
  await using netns = await open('/proc/self/ns/net');
  const order: string[] = [];
  const others = Array.from({ length: 3 }, () => socket.request(loopback).then(() => order.push('other')));
  const { errno } = await socket.request(encodeGetNetnsID(netns.fd));
  order.push('brief');
  await Promise.all(others);
  assert.deepEqual([errno, order], [0, ['brief', 'other', 'other', 'other']]);
});

test('a sent message survives a garbage collection between the request and its send()', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  await using socket = new NetlinkSocket({ concurrency: 32 });
  // All four threads of the pool are busy. The sends wait, and during that time their bytes could be freed and reused.
  const busy = Array.from({ length: 4 }, () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pbkdf2('', '', 100_000, 32, 'sha256', () => resolve());
    return promise;
  });
  const requests = Array.from({ length: 32 }, () => socket.request(loopback));
  await setImmediate();
  collect();
  const others = Array.from({ length: 10_000 }, (_, length) => new Uint8Array(length % 128).fill(0xff));
  assert.deepEqual(
    (await Promise.all(requests)).map(({ errno }) => errno),
    requests.map(() => 0),
  );
  assert.equal(others.length, 10_000);
  await Promise.all(busy);
});

test('a dump in one or many parts has every link once', { skip: needsRoot }, async () => {
  await using socket = new NetlinkSocket({ concurrency: 1, strict: true });
  const names = async () => (await dump(socket, encodeDumpLinks())).map(({ payload }) => decodeLink(payload).name);
  assert.deepEqual(await names(), ['lo']);
  const batch = Array.from({ length: 100 }, (_, i) => `link add many${i} type veth peer name peer${i}`).join('\n');
  execFileSync('ip', ['-n', here.name, '-batch', '-'], { input: batch });
  const all = await names();
  assert.deepEqual([all.length, new Set(all).size], [201, 201]);
  execFileSync('ip', ['-n', here.name, '-batch', '-'], {
    input: batch.replaceAll('add', 'del').replaceAll(/ type.*/g, ''),
  });
});

test("a refusal has the errno and, if there is one, the kernel's message", {
  skip: needsRoot,
}, async () => {
  await using socket = new NetlinkSocket({ concurrency: 1 });
  const reply = await socket.request(encodeDeleteLink(1));
  assert.equal(reply.errno, 95);
  const request = encodeGetLink({ name: 'a-name-of-more-than-fifteen' });
  assert.match((await socket.request(request)).text ?? '', /policy/);
});

test('an unknown link kind is refused as such before the parent is checked', {
  skip: needsRoot,
}, async () => {
  await using socket = new NetlinkSocket({ concurrency: 1 });
  const request = encodeCreateMacvtap({ name: 'mv0', parentIfindex: 0x7fff_ffff, mode: 'bridge' });
  assert.equal((await socket.request(request)).errno, 19); // ENODEV
  const payload = Buffer.from(request.payload);
  payload.write('macvtaq', payload.indexOf('macvtap'));
  assert.equal((await socket.request({ ...request, payload })).errno, 95); // EOPNOTSUPP
});

test('an aborted request rejects, and its reply does not disturb the next request', async () => {
  await using socket = new NetlinkSocket({ concurrency: 1 });
  const sent = new AbortController();
  const waiting = new AbortController();
  const first = socket.request(loopback, sent.signal);
  const second = socket.request(loopback, waiting.signal);
  sent.abort();
  waiting.abort();
  await assert.rejects(first, { code: 'Aborted' });
  await assert.rejects(second, { code: 'Aborted' });
  await assert.rejects(socket.request(loopback, AbortSignal.abort()), { code: 'Aborted' });
  const reply = await socket.request(encodeGetLink({ name: 'lo' }));
  assert.equal(reply.messages.length, 1);
});

test('closing aborts sent and waiting requests, and refuses later ones', async () => {
  const socket = new NetlinkSocket({ concurrency: 1 });
  const requests = [1, 2, 3].map(() => assert.rejects(socket.request(loopback), { code: 'Aborted' }));
  await socket[Symbol.asyncDispose]();
  await Promise.all(requests);
  await assert.rejects(socket.request(loopback), { code: 'Aborted' });
  await socket[Symbol.asyncDispose]();
});

test('sockets and events leave no descriptor open', async () => {
  const count = async () => (await readdir('/proc/self/fd')).length;
  const useOnce = async () => {
    await using socket = new NetlinkSocket({ concurrency: 1 });
    await socket.request(loopback);
    using _ = openEvents({ onMessages: () => {}, onLost: () => {}, onError: (error) => assert.fail(String(error)) });
    await setImmediate();
  };
  // The first use opens descriptors that stay open: threads and the polling descriptor.
  await useOnce();
  const before = await count();
  for (let i = 0; i < 20; i += 1) await useOnce();
  assert.equal(await count(), before);
});

test('events continue after so many at once that some were lost', { skip: needsRoot, timeout: 120_000 }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  const seen = { lost: 0, renamed: Promise.withResolvers<void>() };
  using _ = openEvents({
    onMessages: (messages) => {
      if (messages.some(({ payload }) => decodeLink(payload).name === 'renamed0')) seen.renamed.resolve();
    },
    onLost: () => {
      seen.lost += 1;
    },
    onError: (error) => seen.renamed.reject(error),
  });
  // The call is synchronous, so this process does not read the socket meanwhile, and messages are lost.
  const batch = Array.from({ length: 8000 }, (_, i) => `link set p0 mtu ${1000 + (i % 2)}`).join('\n');
  execFileSync('ip', ['-n', here.name, '-batch', '-'], { input: batch });
  await setImmediate();
  while (seen.lost === 0) await setImmediate();
  await here.ip('link set p0 name renamed0');
  await seen.renamed.promise;
  await here.ip('link del renamed0');
});

test('if a socket that closes is the last open resource, the process can end', async () => {
  const program = `
    const { NetlinkSocket } = await import('${new URL('../../nodeplugin/netlink/netlink-socket.ts', import.meta.url)}');
    const { openEvents } = await import('${new URL('../../nodeplugin/links/interface-events.ts', import.meta.url)}');
    await using socket = new NetlinkSocket({ concurrency: 1 });
    using events = openEvents({ onMessages() {}, onLost() {}, onError() {} });
    await new Promise((resolve) => setTimeout(resolve, 50));`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { timeout: 120_000 });
});
