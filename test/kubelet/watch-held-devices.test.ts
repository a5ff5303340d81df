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

/** Far beyond any test: only what the test does itself can cause a question or end a wait. */
const never = 3_600_000;

interface Stage extends AsyncDisposable {
  readonly kubelet: Kubelet;
  watch(more?: Partial<HeldWatchOptions>): Watched;
}

interface Watched {
  readonly watch: HeldDevicesWatch;
  /** The state after each change. */
  readonly told: readonly { readonly phase: HeldState['phase']; readonly ids: readonly string[] }[];
  reached(phase: HeldState['phase']): Promise<void>;
  ids(): readonly string[];
}

/** A kubelet with four devices of the resource `data`. */
async function stage(onList?: KubeletOptions['onList']): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await createNode({ below: 'device-plugins' }));
  const kubelet = undo.use(await startKubelet({ directory: node.directory, onList }));
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
      const told: Watched['told'][number][] = [];
      const ids = (): readonly string[] => [...(watch.current?.devices.keys() ?? [])].sort();
      watch.onChange(() => {
        told.push({ phase: watch.state.phase, ids: ids() });
        feed.changed();
      });
      const reached = (phase: HeldState['phase']): Promise<void> =>
        feed.waitFor(
          () => watch.state.phase === phase,
          () => JSON.stringify([watch.state, told]),
        );
      return { watch, told, ids, reached };
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

test('everything may be held until kubelet answers; then what pods hold, as they come and go', async () => {
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

test('a slow refresh finds changes without a request', async () => {
  await using scene = await stage();
  const { told, watch, reached } = scene.watch({ refreshMs: 20 });
  await reached('known');
  const changed = Promise.withResolvers<void>();
  watch.onChange(changed.resolve);
  await scene.kubelet.allocate(data, 1);
  await changed.promise;
  assert.deepEqual(told.at(-1), { phase: 'known', ids: ['dataMvp3'] });
});

test('an answer of a kubelet that has just started takes nothing away, and becomes complete with its age', async () => {
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

test('a restarted kubelet that does not know its pods yet releases nothing', async () => {
  const answers: (readonly HeldRow[])[] = [];
  let forgets = false;
  await using scene = await stage((held) => {
    const answer = forgets ? [] : held;
    forgets = false;
    answers.push(answer);
    return answer;
  });
  const { watch, told, ids, reached } = scene.watch({ kubeletSettleMs: 200, refreshMs: 20 });
  await scene.kubelet.allocate(data, 1);
  await watch.refresh();
  await reached('known');
  const before = told.length;
  forgets = true;
  await scene.kubelet.restart();
  // Two questions at least: the first may fall on a connection that the restart cut.
  while (forgets || watch.state.phase !== 'known') await watch.refresh().catch(() => {});
  assert.ok(answers.some((answer) => answer.length === 0));
  assert.ok(told.slice(before).some(({ phase }) => phase === 'partial'));
  assert.ok(told.slice(before).every(({ ids }) => ids.includes('dataMvp3')));
  assert.deepEqual(ids(), ['dataMvp3']);
});

test('with a witness, an answer that lacks it is not complete however old kubelet is', async () => {
  await using scene = await stage();
  const witness = { namespace: 'macvtap-cni', name: 'plugin-h1' };
  const { watch, reached } = scene.watch({ witness });
  await reached('partial');
  await scene.kubelet.allocate(data, 1, witness);
  assert.equal((await watch.refresh()).complete, true);
  assert.equal(watch.state.phase, 'known');
});

test('while kubelet is away the last answer stays, and it is asked again until it answers', async () => {
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

test("kubelet's events cause a question", async () => {
  await using scene = await stage();
  let onEvent = (): void => {};
  const subscribe = (listener: () => void): Disposable => {
    onEvent = listener;
    return { [Symbol.dispose]: () => {} };
  };
  const { watch, told, reached } = scene.watch({ kubelet: { subscribe } });
  await reached('known');
  await scene.kubelet.allocate(data, 1);
  const changed = Promise.withResolvers<void>();
  watch.onChange(changed.resolve);
  onEvent();
  await changed.promise;
  assert.deepEqual(told.at(-1)?.ids, ['dataMvp3']);
});

test('those who want a fresh answer at once share one question', async () => {
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

test('a fresh answer is one that was asked for after the wish', async () => {
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

test('a wait ends with its own signal or with the watch, which reports nothing afterwards', async () => {
  const asked = Promise.withResolvers<void>();
  await using scene = await stage(() => {
    asked.resolve();
    return new Promise<never>(() => {});
  });
  const { watch, told } = scene.watch();
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
  assert.deepEqual([told, watch.state.phase], [[], 'unknown']);
});

test('the outcome of each question is reported: an answer of a young kubelet is incomplete, and a missing one is a failure', async () => {
  await using scene = await stage();
  const told: string[] = [];
  const onAnswer = (outcome: string) => void told.push(outcome);
  const young = scene.watch({ onAnswer, kubeletSettleMs: never });
  await young.watch.refresh();
  assert.equal(told.at(-1), 'incomplete');
  const { watch, reached } = scene.watch({ onAnswer });
  await reached('known');
  assert.equal(told.at(-1), 'complete');
  await scene.kubelet[Symbol.asyncDispose]();
  await assert.rejects(watch.refresh());
  assert.ok(told.includes('failed'), told.join());
});
