// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type KubeletEvent, type KubeletWatch, watchKubelet } from '../../nodeplugin/deviceplugin/kubelet-watch.ts';
import { createEventLog, type EventLog } from './event-log.ts';

/**
 * The intervals of the poll. With `never`, only events can report a change. With `soon`, the poll reports it even
 * without events.
 */
const never = 3_600_000;
const soon = 20;

interface Watched extends AsyncDisposable {
  readonly directory: string;
  readonly socket: string;
  readonly watch: KubeletWatch;
  readonly log: EventLog<KubeletEvent>;
}

async function watchNew(pollMs: number, below = ''): Promise<Watched> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-watch-')));
  const directory = join(path, below);
  const log = createEventLog<KubeletEvent>();
  const watch = undo.use(await watchKubelet({ directory, pollMs, onEvent: log.push }));
  const moved = undo.move();
  return {
    directory,
    socket: join(directory, 'kubelet.sock'),
    watch,
    log,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

const types = (log: EventLog<KubeletEvent>): string[] => log.events.map(({ type }) => type);
const there = (event: KubeletEvent): boolean => event.type === 'there';
const gone = (event: KubeletEvent): boolean => event.type === 'gone';

test('with events only, the creation, replacement and removal of the socket are reported', async () => {
  await using watched = await watchNew(never);
  const { socket, watch, log } = watched;
  assert.equal(watch.sighting.absence?.code, 'KubeletSocketMissing');
  await writeFile(socket, '');
  await log.next(there);
  const first = watch.sighting.incarnation;
  await writeFile(`${socket}.new`, '');
  await rename(`${socket}.new`, socket);
  await log.next(there, 2);
  assert.notEqual(watch.sighting.incarnation, first);
  await unlink(socket);
  await log.next(gone, 3);
  assert.deepEqual(types(log), ['gone', 'there', 'there', 'gone']);
});

test('the poll finds a new socket without events, and one with the same inode but another change time', async () => {
  await using watched = await watchNew(soon, 'device-plugins');
  const { directory, socket, log } = watched;
  await mkdir(directory);
  await writeFile(socket, '');
  await log.next(there);
  const before = log.events.length;
  await utimes(socket, 0, 0);
  await log.next(there, before);
});

test('other changes in the directory cause no event', async () => {
  await using watched = await watchNew(never);
  const { directory, socket, log } = watched;
  await writeFile(socket, '');
  await log.next(there);
  for (const name of ['kubelet_internal_checkpoint', '.1234', 'other.sock']) {
    await writeFile(join(directory, name), name);
    await rm(join(directory, name));
  }
  await unlink(socket);
  await log.next(gone, 2);
  assert.deepEqual(types(log), ['gone', 'there', 'gone']);
});

test('a missing directory is reported once, with what to check, and found when it is created', async () => {
  await using watched = await watchNew(soon, 'device-plugins');
  const { directory, socket, log, watch } = watched;
  const [event] = log.events;
  assert.ok(event?.type === 'gone');
  assert.equal(event.error.code, 'KubeletDirectoryMissing');
  assert.ok(event.error.message.includes(directory));
  assert.match(event.error.message, /--kubelet-dir/);
  await mkdir(directory);
  await log.next((next) => next.type === 'gone' && next.error.code === 'KubeletSocketMissing');
  await writeFile(socket, '');
  await log.next(there);
  assert.deepEqual(types(log), ['gone', 'gone', 'there']);
  assert.ok(watch.sighting.incarnation);
});

test('a directory that is deleted and recreated is followed, any number of times', async () => {
  await using watched = await watchNew(soon, 'device-plugins');
  const { directory, socket, log } = watched;
  for (let round = 0; round < 3; round += 1) {
    const before = log.events.length;
    await mkdir(directory);
    await writeFile(socket, '');
    await log.next(there, before);
    await rm(directory, { recursive: true });
    await log.next((event) => event.type === 'gone' && event.error.code === 'KubeletDirectoryMissing', before);
  }
});

test('if a watched socket vanishes, that is reported once; for a socket that is no longer watched, it is not', async () => {
  await using watched = await watchNew(soon);
  const { directory, watch } = watched;
  const [mine, other] = [join(directory, 'kube-macvtap-a.1.sock'), join(directory, 'kube-macvtap-b.1.sock')];
  await Promise.all([writeFile(mine, ''), writeFile(other, '')]);
  const log = createEventLog<string>();
  using _ = watch.watchSocket(mine, () => log.push('mine'));
  watch.watchSocket(other, () => log.push('other'))[Symbol.dispose]();
  await unlink(other);
  await unlink(mine);
  await log.next(() => true);
  assert.deepEqual(log.events, ['mine']);
});

test('nothing is reported after the watch was disposed of', async () => {
  const scope = new AbortController();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-watch-'));
  const log = createEventLog<KubeletEvent>();
  const watch = await watchKubelet({
    directory: directory.path,
    signal: scope.signal,
    pollMs: soon,
    onEvent: log.push,
  });
  scope.abort();
  await writeFile(join(directory.path, 'kubelet.sock'), '');
  await watch[Symbol.asyncDispose]();
  assert.deepEqual(types(log), ['gone']);
});
