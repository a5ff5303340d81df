// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DraDevice } from '../../../policy/plan/dra-devices.ts';
import type { MacvtapError } from '../../../runtime/errors.ts';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { type StandInApiServer, startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../../test/process/until.ts';
import { openResourceSlices, type SliceDevices } from './resource-slices.ts';

const device = (name: string, more: Partial<DraDevice> = {}): DraDevice => ({
  name,
  attributes: { parent: { string: 'eth1' }, carrier: { bool: true } },
  ...more,
});

const slicesIn = ({ store }: StandInApiServer) =>
  [...store.objects.values()]
    .filter(({ kind }) => kind === 'ResourceSlice')
    .map(({ metadata: { name }, spec }) => {
      const { pool, devices } = spec as {
        pool: { generation: number; resourceSliceCount: number };
        devices: DraDevice[];
      };
      return [name, pool.generation, pool.resourceSliceCount, devices.map((one) => one.name).join(' ')];
    });
const writesTo = ({ requests }: StandInApiServer) => requests.filter((request) => /^(POST|PUT|DELETE)/.test(request));

async function start(prepare: (server: StandInApiServer) => void = () => {}) {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  const { uid } = server.store.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1' } }).metadata;
  prepare(server);
  const outcomes: (MacvtapError | undefined)[] = [];
  let onOutcome = () => {};
  const slices = undo.use(
    openResourceSlices({
      client: undo.use(connectStandIn(server)),
      node: 'h1',
      onWrite(error) {
        outcomes.push(error);
        onOutcome();
      },
    }),
  );
  /** Resolves after the next attempt to write. */
  const next = async (act: () => void): Promise<MacvtapError | undefined> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    onOutcome = resolve;
    act();
    await promise;
    return outcomes.at(-1);
  };
  const scope = undo.move();
  const set = (wanted: SliceDevices) => next(() => slices.set(wanted));
  return { server, slices, uid, next, set, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

test('the slices of a node are owned by it, and each change raises the generation of all of them', async () => {
  await using started = await start();
  const { server, set, uid } = started;
  await set([[device('a-0'), device('a-1')], [device('b-0')]]);
  assert.deepEqual(slicesIn(server), [
    ['h1-macvtap-0', 1, 2, 'a-0 a-1'],
    ['h1-macvtap-1', 1, 2, 'b-0'],
  ]);
  const slice = server.store.get('ResourceSlice/h1-macvtap-0');
  assert.deepEqual(slice?.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Node', name: 'h1', uid, controller: true },
  ]);
  const { driver, nodeName, pool } = (slice?.spec ?? {}) as Record<string, { name: string }>;
  assert.deepEqual([driver, nodeName, pool?.name], ['macvtap.network.kubevirt.io', 'h1', 'h1']);
  await set([[device('a-0')]]);
  assert.deepEqual(slicesIn(server), [['h1-macvtap-0', 2, 1, 'a-0']]);
  await set([]);
  assert.deepEqual(slicesIn(server), []);
});

test('nothing is written if the slices already are as wanted, also by the next process', async () => {
  const wanted = [[device('a-0')]];
  await using started = await start();
  const { server, slices, set } = started;
  await set(wanted);
  const before = writesTo(server).length;
  slices.set([[device('a-0')]]);
  {
    await using again = new AsyncDisposableStack();
    const client = again.use(connectStandIn(server));
    const onWrite = () => assert.fail('the next process writes');
    again.use(openResourceSlices({ client, node: 'h1', onWrite })).set(wanted);
    // A process compares its slices before it begins to watch them.
    await until(
      async () => server.watches,
      (watches) => watches === 2,
    );
  }
  // The next write shows that the first process has also compared them.
  await set([[device('a-1')]]);
  assert.deepEqual(writesTo(server).slice(before), ['PUT /apis/resource.k8s.io/v1/resourceslices/h1-macvtap-0']);
});

test('slices that kubelet deleted are written again', async () => {
  await using started = await start();
  const { server, next, set } = started;
  await set([[device('a-0')]]);
  await next(() => server.store.remove('ResourceSlice/h1-macvtap-0'));
  assert.deepEqual(slicesIn(server), [['h1-macvtap-0', 1, 1, 'a-0']]);
});

test('a pool that a killed process wrote only in part is completed with a new generation', async () => {
  const half = (index: number, generation: number) => ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: `h1-macvtap-${index}` },
    spec: { pool: { name: 'h1', generation, resourceSliceCount: 2 }, devices: [device(`a-${index}`)] },
  });
  await using started = await start(({ store }) => {
    for (const slice of [half(0, 5), half(1, 4)]) store.put(slice);
  });
  const { server, set } = started;
  await set([[device('a-0')], [device('a-1')]]);
  assert.deepEqual(slicesIn(server), [
    ['h1-macvtap-0', 6, 2, 'a-0'],
    ['h1-macvtap-1', 6, 2, 'a-1'],
  ]);
});

test('a slice that the API server refuses is an error with its reason, and is tried again', async () => {
  await using started = await start();
  const { server, next, set } = started;
  server.intercept(({ method }) => (method === 'POST' ? { status: 422, body: { message: 'too many' } } : undefined));
  const error = await set([[device('a-0')]]);
  assert.match(error?.message ?? '', /write ResourceSlice h1-macvtap-0.*too many/);
  await next(() => server.intercept(undefined));
  assert.deepEqual(slicesIn(server), [['h1-macvtap-0', 1, 1, 'a-0']]);
});

test('a field that an older API server drops is not written again and again', async () => {
  await using started = await start();
  const { server, set } = started;
  const taints = [{ key: 'k', effect: 'NoSchedule' }] as const;
  server.store.onEvent(({ object }) => {
    const { devices = [] } = (object.spec ?? {}) as { devices?: { taints?: unknown }[] };
    for (const one of devices) delete one.taints;
  });
  await set([[device('a-0', { taints })]]);
  const before = writesTo(server).length;
  await set([[device('a-1', { taints })]]);
  assert.equal(writesTo(server).length - before, 1);
});

test('a taint keeps the time at which it was added', async () => {
  await using started = await start();
  const { server, set } = started;
  const taints = [{ key: 'k', effect: 'NoSchedule' }] as const;
  await set([[device('a-0', { taints })]]);
  const slice = server.store.get('ResourceSlice/h1-macvtap-0');
  assert.ok(slice !== undefined);
  const timeAdded = '2026-01-01T00:00:00Z';
  const spec = slice.spec as object;
  server.store.put({
    ...slice,
    spec: { ...spec, devices: [device('a-0', { taints: [{ ...taints[0], timeAdded }] as never })] },
  });
  await set([[device('a-0', { taints }), device('a-1', { taints })]]);
  const { devices } = (server.store.get('ResourceSlice/h1-macvtap-0')?.spec ?? {}) as {
    devices: { taints: object[] }[];
  };
  assert.deepEqual(
    devices.map((one) => one.taints),
    [[{ ...taints[0], timeAdded }], [{ ...taints[0] }]],
  );
});
