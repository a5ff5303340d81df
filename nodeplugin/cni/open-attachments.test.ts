// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { admitAll } from '../../test/fixtures/admission/admit-all.ts';
import type { Attachment, DeviceEntry, DeviceRecord } from '../ledger/device-record.ts';
import type { CNIContext } from './cni-context.ts';
import { type AttachmentsOptions, readOncePerCall, serveAttachments } from './open-attachments.ts';
import { encodeFrame } from './shim/frame.ts';

const entry: DeviceEntry = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0 };
const gone: Attachment = {
  containerID: 'c1',
  ifname: 'net1',
  netnsPath: '/run/netns/kmt-never-was',
  netnsInode: 1,
  mac: '02:00:00:00:00:01',
};

/**
 * Creates a node without links. Its ledger contains the given records, and is compared with kubelet's list every
 * millisecond.
 */
async function stage(
  records: Readonly<Record<string, DeviceEntry>>,
  more: Partial<Omit<AttachmentsOptions, 'context'>> & { readonly context?: Partial<CNIContext> } = {},
) {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-serve-')));
  const known = new Map(
    Object.entries(records).map(([id, record]): [string, DeviceRecord] => [id, { ...record, lastUsed: 1 }]),
  );
  const troubles: string[] = [];
  const told: string[] = [];
  const looks = { count: 0 };
  const untouched = async () => assert.fail('there is no link');
  const context: CNIContext = {
    nodeName: 'node',
    links: {
      createMacvtap: untouched,
      deleteLink: untouched,
      getLink: async () => undefined,
      getLinkIn: async () => undefined,
      deleteLinkIn: untouched,
      rememberNetns: untouched,
      searchLink: async () => [],
      deleteFoundLink: untouched,
      readTapLinkName: () => undefined,
      listTaps: () => [],
      identifyTap: () => undefined,
      readTapNode: async () => ({ path: '/dev/tap5', matches: false }),
    },
    ledger: {
      get: (id) => known.get(id),
      entries: () => [...known],
      record: async (id, record) => void known.set(id, { ...record, lastUsed: 2 }),
    },
    lock: createKeyedMutex(),
    interfaces: () => [],
    resources: () => new Map([['net', { ...planned }]]),
    isPlanKnown: () => true,
    holders: { known: () => [], ask: async () => [], wasListed: () => false },
    admission: admitAll,
    troubles: async () => [],
    onTrouble: ({ code, message }) => void troubles.push(`${code}: ${message}`),
    ...more.context,
  };
  const scope = undo.move();
  const directory = join(folder.path, 'run');
  const options: AttachmentsOptions = {
    socketPath: join(directory, 'cni.sock'),
    held: { current: () => [], mayBeHeld: () => false },
    isHeldKnown: () => {
      looks.count += 1;
      return true;
    },
    lookMs: 1,
    onAnswered: ({ command, ifname, failure }) => void told.push(`${command} ${ifname} ${failure?.code ?? 'done'}`),
    onRestored: (devices) => void told.push(`restored ${devices}`),
    onForgotten: (devices) => void told.push(`forgotten ${devices}`),
    ...more,
    context,
  };
  return {
    directory,
    known,
    troubles,
    told,
    looks,
    serve: async () => scope.use(await serveAttachments(options)),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const planned = {
  source: 'policy',
  policy: 'ns/p',
  name: 'net',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 2,
  numaNodes: [],
  needVhostNet: false,
} as const;

/** Waits until the condition is met. It checks the condition every millisecond. */
async function until(isReached: () => boolean): Promise<void> {
  const over = AbortSignal.timeout(60_000);
  while (!isReached()) {
    if (over.aborted) assert.fail('not reached');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test('pending DELs are processed before requests are served, and disposal removes the socket', async () => {
  await using here = await stage({ netMvp0: { ...entry, attachment: gone } });
  const tombstones = join(here.directory, 'tombstones');
  await mkdir(tombstones, { recursive: true });
  const environment = new Map(Object.entries({ CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c1', CNI_IFNAME: 'net1' }));
  const frame = encodeFrame({ type: 'request', environment, stdin: new Uint8Array() });
  await writeFile(join(tombstones, 'c1:net1'), frame);
  await using serving = await here.serve();
  assert.deepEqual(await readdir(tombstones), []);
  assert.equal(here.known.get('netMvp0')?.attachment, undefined);
  assert.deepEqual(await readdir(here.directory), ['cni.sock', 'tombstones']);
  await serving[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(here.directory), ['tombstones']);
  assert.deepEqual(here.troubles, []);
  assert.deepEqual(here.told, ['DEL net1 done'], 'a pending DEL is reported like any other DEL');
});

test('nothing is restored or considered lost before kubelet has listed the devices of pods', async () => {
  let isKnown = false;
  let asked = 0;
  const isHeldKnown = () => {
    asked += 1;
    return isKnown;
  };
  const held = { current: () => [{ id: 'netMvp1', resource: 'net' }], mayBeHeld: (id: string) => id === 'netMvp1' };
  await using here = await stage({ netMvp0: { ...entry, attachment: gone } }, { held, isHeldKnown });
  await using _serving = await here.serve();
  await until(() => asked > 3);
  assert.deepEqual(here.told, []);
  isKnown = true;
  await until(() => here.told.length === 2);
  assert.deepEqual(here.told, ['restored netMvp1', 'forgotten netMvp0']);
  assert.deepEqual(here.known.get('netMvp1')?.parent, 'eth1');
});

test('a repeated error is logged once, and logged again if it returns', async () => {
  const held = { current: () => [{ id: 'netMvp1', resource: 'net' }], mayBeHeld: () => true };
  let isBroken = true;
  const resources = () => {
    if (isBroken) throw new MacvtapError('Unexpected', 'no resources');
    return new Map();
  };
  await using here = await stage({}, { held, context: { resources } });
  await using _serving = await here.serve();
  const someLooks = async () => {
    const enough = here.looks.count + 3;
    await until(() => here.looks.count > enough);
  };
  await someLooks();
  assert.deepEqual(here.troubles, ['Unexpected: no resources']);
  isBroken = false;
  await someLooks();
  isBroken = true;
  await someLooks();
  assert.equal(here.troubles.length, 2);
});

test('the error for a directory that cannot be created names its flag', async () => {
  await using here = await stage({}, { socketPath: '/proc/none/cni.sock' });
  await assert.rejects(here.serve(), { code: 'CNISocketFailed', message: /check --cni-socket$/ });
});

test('an object is read once for each signal', async () => {
  const requests: string[] = [];
  const read = readOncePerCall(async (namespace, name) => {
    requests.push(`${namespace}/${name}`);
    if (name === 'away') throw new Error('no answer');
    return requests.length;
  });
  const [first, second] = [new AbortController().signal, new AbortController().signal];
  assert.deepEqual(await Promise.all([read('vms', 'a', first), read('vms', 'a', first)]), [1, 1]);
  assert.equal(await read('vms', 'b', first), 2);
  assert.equal(await read('vms', 'a', second), 3);
  for (const _ of ['once', 'again']) await assert.rejects(read('vms', 'away', first), /no answer/);
  assert.deepEqual(requests, ['vms/a', 'vms/b', 'vms/a', 'vms/away']);
});
