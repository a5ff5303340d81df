// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type InterfaceFacts, readInterface } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type InterfaceWatch, type WatchOptions, watchInterfaces } from './watch-interfaces.ts';

const eth0 = readInterface({ name: 'eth0', ifindex: 2 });
const eth1 = readInterface({ name: 'eth1', ifindex: 3 });

/** A namespace whose facts and events a test sets. */
class Namespace {
  facts: readonly InterfaceFacts[] = [eth0];
  failure: MacvtapError | undefined;
  readings = 0;
  subscribed = false;
  readonly errors: MacvtapError[] = [];
  notify: () => void = () => {};
  readonly options: WatchOptions = {
    read: async () => {
      this.readings += 1;
      if (this.failure !== undefined) throw this.failure;
      return structuredClone(this.facts);
    },
    subscribe: (onEvent) => {
      this.subscribed = true;
      this.notify = onEvent;
      const end = () => {
        this.subscribed = false;
      };
      return { [Symbol.dispose]: end };
    },
    onError: (error) => void this.errors.push(error),
  };
}

function nextChange(watch: InterfaceWatch): Promise<readonly InterfaceFacts[]> {
  return new Promise((resolve) => {
    const registration = watch.onChange((facts) => {
      registration[Symbol.dispose]();
      resolve(facts);
    });
  });
}

/** Replaces the timers and the clock of a test. `advance` also runs everything that is due, except I/O. */
function mockClock(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  return {
    now: () => nowMs,
    pass(ms: number) {
      nowMs += ms;
    },
    async advance(ms: number) {
      // Lets pending promises set their timers first.
      await new Promise(setImmediate);
      nowMs += ms;
      t.mock.timers.tick(ms);
      await new Promise(setImmediate);
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

test('the first facts are available immediately', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  assert.deepEqual(watch.current, [eth0]);
});

test('a change is reported with the new facts', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  const change = nextChange(watch);
  namespace.facts = [eth0, eth1];
  namespace.notify();
  assert.deepEqual(await change, [eth0, eth1]);
  assert.deepEqual(watch.current, [eth0, eth1]);
});

test('many events cause one reading, and an unchanged reading is not reported', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  let told = 0;
  watch.onChange(() => {
    told += 1;
  });
  for (let i = 0; i < 100; i += 1) namespace.notify();
  await until(() => namespace.readings === 2);
  await sleep(50);
  assert.equal(namespace.readings, 2);
  assert.equal(told, 0);
});

test('an event during a reading causes another one', async () => {
  const namespace = new Namespace();
  const { read } = namespace.options;
  const options: WatchOptions = {
    ...namespace.options,
    read: async () => {
      const facts = await read();
      if (namespace.readings === 2) {
        namespace.facts = [eth0, eth1];
        namespace.notify();
      }
      return facts;
    },
  };
  await using watch = await watchInterfaces(options);
  const change = nextChange(watch);
  namespace.notify();
  assert.deepEqual(await change, [eth0, eth1]);
});

test('an event during the first reading is not missed', async () => {
  const namespace = new Namespace();
  const options: WatchOptions = {
    ...namespace.options,
    read: async () => {
      const facts = await namespace.options.read();
      if (namespace.readings === 1) {
        namespace.facts = [eth1];
        namespace.notify();
      }
      return facts;
    },
  };
  await using watch = await watchInterfaces(options);
  await until(() => watch.current[0]?.name === 'eth1');
});

test('a reading that fails is reported and repeated; until then the facts are the last good ones', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  namespace.failure = new MacvtapError('NetlinkLost', 'interrupted');
  namespace.facts = [eth1];
  namespace.notify();
  await until(() => namespace.errors.length > 0);
  assert.equal(namespace.errors[0]?.code, 'NetlinkLost');
  assert.deepEqual(watch.current, [eth0]);
  const change = nextChange(watch);
  namespace.failure = undefined;
  assert.deepEqual(await change, [eth1]);
});

test('a listener that throws is reported, and the other listeners still get the change', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  watch.onChange(() => {
    throw new Error('a bug');
  });
  const change = nextChange(watch);
  namespace.facts = [eth1];
  namespace.notify();
  assert.deepEqual(await change, [eth1]);
  assert.equal(namespace.errors[0]?.message, 'a bug');
});

test('the error of the first reading is raised, and no subscription remains', async () => {
  const namespace = new Namespace();
  namespace.failure = new MacvtapError('NetlinkRefused', 'no');
  await assert.rejects(watchInterfaces(namespace.options), { code: 'NetlinkRefused' });
  assert.equal(namespace.subscribed, false);
});

test('settled resolves when nothing changes', async () => {
  await using watch = await watchInterfaces(new Namespace().options);
  await watch.settled(20);
});

test('settled includes a change whose event the process has not received yet', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  namespace.facts = [eth0, eth1];
  await watch.settled(20);
  assert.deepEqual(watch.current, [eth0, eth1]);
});

test('settled includes a change that is still being read', async (t) => {
  const clock = mockClock(t);
  const namespace = new Namespace();
  const gate = Promise.withResolvers<void>();
  const read = async () => {
    if (namespace.readings === 1) await gate.promise;
    return await namespace.options.read();
  };
  await using watch = await watchInterfaces({ ...namespace.options, read, now: clock.now });
  // If an assertion fails, the reading must end, because disposing of the watch waits for it.
  using _open = { [Symbol.dispose]: gate.resolve };
  let settled: readonly InterfaceFacts[] | undefined;
  void watch.settled(300).then(() => {
    settled = watch.current;
  });
  namespace.facts = [eth0, eth1];
  namespace.notify();
  for (let step = 0; step < 20; step += 1) await clock.advance(100);
  assert.equal(settled, undefined);
  gate.resolve();
  while (settled === undefined) await clock.advance(100);
  assert.deepEqual(settled, [eth0, eth1]);
});

test('settled tries again when a reading fails, but not for longer than ten times the quiet time', async (t) => {
  const clock = mockClock(t);
  const namespace = new Namespace();
  await using watch = await watchInterfaces({ ...namespace.options, now: clock.now });
  namespace.failure = new MacvtapError('NetlinkLost', 'interrupted');
  let isSettled = false;
  void watch.settled(300).then(() => {
    isSettled = true;
  });
  for (let step = 0; step < 29; step += 1) await clock.advance(100);
  assert.equal(isSettled, false);
  while (!isSettled) await clock.advance(100);
  assert.ok(namespace.errors.length > 0);
});

for (const { title, lockMs, readMs, wantMs } of [
  { title: 'four times as long as the reading', lockMs: 0, readMs: 25, wantMs: 100 },
  { title: 'not longer for a reading that waited for the network lock', lockMs: 7_500, readMs: 25, wantMs: 100 },
  { title: 'one second at most', lockMs: 0, readMs: 60_000, wantMs: 1_000 },
]) {
  test(`the pause after a reading is ${title}`, async (t) => {
    const clock = mockClock(t);
    const namespace = new Namespace();
    const read: WatchOptions['read'] = async (_signal, onUnlocked) => {
      clock.pass(lockMs);
      onUnlocked?.();
      clock.pass(readMs);
      return await namespace.options.read();
    };
    await using _watch = await watchInterfaces({ ...namespace.options, read, now: clock.now });
    namespace.notify();
    await clock.advance(1_000);
    assert.equal(namespace.readings, 2);
    namespace.notify();
    await clock.advance(wantMs - 1);
    assert.equal(namespace.readings, 2);
    await clock.advance(1);
    assert.equal(namespace.readings, 3);
  });
}

test('settled resolves even if the links never stop changing', async () => {
  const namespace = new Namespace();
  await using watch = await watchInterfaces(namespace.options);
  let mtu = 1500;
  const timer = setInterval(() => {
    namespace.facts = [{ ...eth0, mtu: mtu++ }];
    namespace.notify();
  }, 5);
  await watch.settled(200);
  clearInterval(timer);
  assert.ok(mtu > 1502, 'the links were never busy');
});

test('settled is aborted by its signal, and by disposing the watch', async () => {
  const watch = await watchInterfaces(new Namespace().options);
  await assert.rejects(watch.settled(60_000, AbortSignal.abort()), { code: 'Aborted' });
  const waiting = assert.rejects(watch.settled(60_000), { code: 'Aborted' });
  await watch[Symbol.asyncDispose]();
  await waiting;
});

test('after disposal the watch subscribes to nothing, reads nothing and reports nothing', async () => {
  const namespace = new Namespace();
  const watch = await watchInterfaces(namespace.options);
  watch.onChange(() => assert.fail('a report after disposal'));
  namespace.facts = [eth1];
  namespace.notify();
  await watch[Symbol.asyncDispose]();
  const { readings } = namespace;
  namespace.notify();
  await sleep(30);
  assert.equal(namespace.subscribed, false);
  assert.equal(namespace.readings, readings);
});

test('the watch ends when its signal aborts', async () => {
  const scope = new AbortController();
  const namespace = new Namespace();
  await using watch = await watchInterfaces({ ...namespace.options, signal: scope.signal });
  scope.abort();
  namespace.facts = [eth1];
  namespace.notify();
  await sleep(30);
  assert.deepEqual(watch.current, [eth0]);
});
