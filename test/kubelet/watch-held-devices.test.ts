// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeldState, mayBeHeld } from '../../nodeplugin/podresources/held-devices.ts';
import {
  type HeldDevicesWatch,
  type HeldWatchOptions,
  watchHeldDevices,
} from '../../nodeplugin/podresources/watch-held-devices.ts';
import { createChangeFeed } from './change-feed.ts';
import type { HeldRow } from './held-table.ts';
import { createNode, devices } from './plugin-fixture.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from './start-kubelet.ts';

const resourcePrefix = 'macvtap.network.kubevirt.io/';
const data = `${resourcePrefix}data`;

/** Longer than any test. Only the test itself can then cause a request or end a wait. */
const never = 3_600_000;

interface Stage extends AsyncDisposable {
  readonly kubelet: Kubelet;
  watch(more?: Partial<HeldWatchOptions>): Watched;
}

interface Watched {
  readonly watch: HeldDevicesWatch;
  /** The states after each change. */
  readonly states: readonly { readonly phase: HeldState['phase']; readonly ids: readonly string[] }[];
  reached(phase: HeldState['phase']): Promise<void>;
  ids(): readonly string[];
}

/** Starts a kubelet with four devices of the resource `data`. */
async function stage(onList?: KubeletOptions['onList'], onCall?: KubeletOptions['onCall']): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await createNode({ below: 'device-plugins' }));
  const kubelet = undo.use(await startKubelet({ directory: node.directory, onList, onCall }));
  node.serve('data', devices('data', 4));
  await kubelet.waitFor(() => kubelet.resource(data)?.devices.length === 4);
  const moved = undo.move();
  return {
    kubelet,
    watch: (more = {}) => {
      const socketPath = kubelet.podResourcesSocket ?? '';
      const options = { socketPath, resourcePrefix, refreshMs: never, kubeletSettleMs: 0, ...more };
      const watch = moved.use(watchHeldDevices(options));
      const feed = createChangeFeed();
      const states: Watched['states'][number][] = [];
      const ids = (): readonly string[] => [...(watch.current?.devices.keys() ?? [])].sort();
      watch.onChange(() => {
        states.push({ phase: watch.state.phase, ids: ids() });
        feed.changed();
      });
      const reached = (phase: HeldState['phase']): Promise<void> =>
        feed.waitFor(
          () => watch.state.phase === phase,
          () => JSON.stringify([watch.state, states]),
        );
      return { watch, states, ids, reached };
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

test('any device may be held until kubelet answers; then exactly the devices of pods are held', async () => {
  await using scene = await stage();
  const { watch, reached, ids } = scene.watch();
  assert.equal(watch.state.phase, 'unknown');
  assert.ok(mayBeHeld(watch.current, 'dataMvp3'));
  await reached('known');
  assert.ok(!mayBeHeld(watch.current, 'dataMvp3'));
  const allocation = await scene.kubelet.allocate(data, 2, { namespace: 'vms', name: 'a' });
  const held = await watch.refresh();
  assert.deepEqual([...held.devices.keys()].sort(), ['dataMvp2', 'dataMvp3']);
  assert.deepEqual(held.devices.get('dataMvp3'), {
    resource: 'data',
    pods: [{ namespace: 'vms', name: 'a', container: 'compute' }],
  });
  assert.ok(mayBeHeld(held, 'dataMvp3'));
  scene.kubelet.release(allocation);
  assert.deepEqual(ids(), ['dataMvp2', 'dataMvp3']);
  await watch.refresh();
  assert.deepEqual(ids(), []);
});

test('a periodic refresh finds changes that no caller has requested', async () => {
  await using scene = await stage();
  const { states, watch, reached } = scene.watch({ refreshMs: 20 });
  await reached('known');
  const changed = Promise.withResolvers<void>();
  watch.onChange(changed.resolve);
  await scene.kubelet.allocate(data, 1);
  await changed.promise;
  assert.deepEqual(states.at(-1), { phase: 'known', ids: ['dataMvp3'] });
});

test('an answer of a kubelet that has just started removes no device, and later answers are complete', async () => {
  await using scene = await stage();
  const young = scene.watch({ kubeletSettleMs: never });
  const allocation = await scene.kubelet.allocate(data, 1);
  assert.equal((await young.watch.refresh()).complete, false);
  scene.kubelet.release(allocation);
  const held = await young.watch.refresh();
  assert.deepEqual([young.watch.state.phase, young.ids()], ['partial', ['dataMvp3']]);
  assert.ok(mayBeHeld(held, 'dataMvp0'));
  const older = scene.watch({ kubeletSettleMs: 300, refreshMs: 20 });
  await older.reached('known');
});

test('a restarted kubelet that does not know its pods yet releases no device', async () => {
  const answers: (readonly HeldRow[])[] = [];
  let forgets = false;
  await using scene = await stage((held) => {
    const answer = forgets ? [] : held;
    forgets = false;
    answers.push(answer);
    return answer;
  });
  const { watch, states, ids, reached } = scene.watch({ kubeletSettleMs: 200, refreshMs: 20 });
  await scene.kubelet.allocate(data, 1);
  await watch.refresh();
  await reached('known');
  const before = states.length;
  forgets = true;
  await scene.kubelet.restart();
  // The restart may interrupt the connection of the first request, so one request may not be enough.
  while (forgets || watch.state.phase !== 'known') await watch.refresh().catch(() => {});
  assert.ok(answers.some((answer) => answer.length === 0));
  assert.ok(states.slice(before).some(({ phase }) => phase === 'partial'));
  assert.ok(states.slice(before).every(({ ids }) => ids.includes('dataMvp3')));
  assert.deepEqual(ids(), ['dataMvp3']);
});

test('an answer that lacks a device known to be held is never complete, however long kubelet has run', async () => {
  await using scene = await stage();
  const witness = { namespace: 'macvtap-cni', name: 'plugin-h1' };
  const { watch, reached } = scene.watch({ witness });
  await reached('partial');
  await scene.kubelet.allocate(data, 1, witness);
  assert.equal((await watch.refresh()).complete, true);
  assert.equal(watch.state.phase, 'known');
});

test('while kubelet is down, the last answer stays valid, and requests are repeated', async () => {
  await using scene = await stage();
  const { watch, ids, reached } = scene.watch();
  await scene.kubelet.allocate(data, 1);
  await watch.refresh();
  await scene.kubelet.stop();
  await assert.rejects(watch.refresh(), { code: 'PodResourcesSocketMissing' });
  const { phase, ageMs, lastError } = watch.state;
  assert.deepEqual([phase, lastError?.code, ids()], ['stale', 'PodResourcesSocketMissing', ['dataMvp3']]);
  assert.ok(ageMs !== undefined && ageMs > 0);
  assert.ok(mayBeHeld(watch.current, 'dataMvp3'));
  await scene.kubelet.restart();
  await reached('known');
  assert.deepEqual([watch.state.lastError, ids()], [undefined, ['dataMvp3']]);
});

test("kubelet's events cause a request", async () => {
  await using scene = await stage();
  let onEvent = (): void => {};
  const subscribe = (listener: () => void): Disposable => {
    onEvent = listener;
    return { [Symbol.dispose]: () => {} };
  };
  const { watch, states, reached } = scene.watch({ kubelet: { subscribe } });
  await reached('known');
  await scene.kubelet.allocate(data, 1);
  const changed = Promise.withResolvers<void>();
  watch.onChange(changed.resolve);
  onEvent();
  await changed.promise;
  assert.deepEqual(states.at(-1)?.ids, ['dataMvp3']);
});

test('concurrent callers that want a fresh answer share one request', async () => {
  let asked = 0;
  await using scene = await stage((held) => {
    asked += 1;
    return held;
  });
  const { watch, reached } = scene.watch();
  await reached('known');
  asked = 0;
  const answers = await Promise.all(Array.from({ length: 100 }, () => watch.refresh()));
  assert.deepEqual([asked, new Set(answers).size], [1, 1]);
});

test('a fresh answer comes from a request that was sent after the call', async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using scene = await stage(async (held) => {
    asked.resolve();
    await answer.promise;
    return held;
  });
  const { watch } = scene.watch();
  await asked.promise;
  await scene.kubelet.allocate(data, 1);
  const fresh = watch.refresh();
  answer.resolve();
  assert.deepEqual([...(await fresh).devices.keys()], ['dataMvp3']);
});

test('a wait ends with its own signal or with the watch, and the watch reports nothing afterwards', async () => {
  const asked = Promise.withResolvers<void>();
  await using scene = await stage(() => {
    asked.resolve();
    return new Promise<never>(() => {});
  });
  const { watch, states } = scene.watch();
  await asked.promise;
  const impatient = new AbortController();
  const given = watch.refresh(impatient.signal);
  const other = watch.refresh();
  impatient.abort();
  await assert.rejects(given, { code: 'Aborted' });
  const disposed = watch[Symbol.asyncDispose]();
  await assert.rejects(other, { code: 'Aborted' });
  await disposed;
  await assert.rejects(watch.refresh(), { code: 'Aborted' });
  assert.deepEqual([states, watch.state.phase], [[], 'unknown']);
});

test('the outcome of each request is reported: incomplete for a kubelet that has just started, failed without an answer', async () => {
  await using scene = await stage();
  const outcomes: string[] = [];
  const onAnswer = (outcome: string) => void outcomes.push(outcome);
  const young = scene.watch({ onAnswer, kubeletSettleMs: never });
  await young.watch.refresh();
  assert.equal(outcomes.at(-1), 'incomplete');
  const { watch, reached } = scene.watch({ onAnswer });
  await reached('known');
  assert.equal(outcomes.at(-1), 'complete');
  await scene.kubelet[Symbol.asyncDispose]();
  await assert.rejects(watch.refresh());
  assert.ok(outcomes.includes('failed'), outcomes.join());
});

test('a single pod is confirmed without a list, and only with a device that kubelet lists for it', async () => {
  const calls: string[] = [];
  await using scene = await stage(undefined, (method) => void calls.push(method));
  const { watch, reached } = scene.watch();
  await reached('known');
  const { deviceIds } = await scene.kubelet.allocate(data, 1, { namespace: 'vms', name: 'a' });
  const id = deviceIds[0] ?? '';
  calls.length = 0;
  assert.equal(await watch.confirm(id, { namespace: 'vms', name: 'a' }), true);
  assert.equal(await watch.confirm(id, { namespace: 'vms', name: 'b' }), false);
  assert.equal(await watch.confirm('dataMvp9', { namespace: 'vms', name: 'a' }), false);
  assert.deepEqual(calls, ['Get', 'Get', 'Get']);
});

test('of callers that arrive together, at most one is confirmed, and the others use a list', async () => {
  const calls: string[] = [];
  await using scene = await stage(undefined, (method) => void calls.push(method));
  const { watch, reached } = scene.watch();
  await reached('known');
  const { deviceIds } = await scene.kubelet.allocate(data, 1, { namespace: 'vms', name: 'a' });
  calls.length = 0;
  const pod = { namespace: 'vms', name: 'a' };
  const confirmed = await Promise.all(Array.from({ length: 20 }, () => watch.confirm(deviceIds[0] ?? '', pod)));
  assert.equal(confirmed.filter(Boolean).length, 1);
  assert.deepEqual(calls, ['Get']);
});

test('a request is sent soon after allocations, and one request serves all of them', async () => {
  const calls: string[] = [];
  await using scene = await stage(undefined, (method) => void calls.push(method));
  const { watch, ids, reached } = scene.watch();
  await reached('known');
  calls.length = 0;
  const changed = Promise.withResolvers<void>();
  watch.onChange(changed.resolve);
  await scene.kubelet.allocate(data, 3);
  for (let device = 0; device < 3; device += 1) watch.refreshSoon();
  await changed.promise;
  assert.equal(ids().length, 3);
  assert.deepEqual(calls, ['List']);
});
