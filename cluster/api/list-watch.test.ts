// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { type StandInApiServer, startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../test/process/until.ts';
import { ListWatch, type ListWatchOptions } from './list-watch.ts';
import { watchedKinds } from './watched-kinds.ts';

const [nodes] = watchedKinds({ policyNamespace: 'macvtap-cni' });
assert.ok(nodes !== undefined);

const node = (name: string, labels: Readonly<Record<string, unknown>> = {}, status = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  status,
});

/**
 * Follows the nodes of a fake API server. `reaches` waits until its condition is true, and checks it after each change
 * and every 20 ms.
 */
async function follow(
  prepare: (server: StandInApiServer) => void,
  timings: ListWatchOptions['timings'] = {},
  trim = nodes?.trim,
) {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  prepare(server);
  const client = undo.use(connectStandIn(server));
  const listeners = new Set<() => void>();
  const onChange = () => {
    for (const listener of [...listeners]) listener();
  };
  assert.ok(nodes !== undefined && trim !== undefined);
  const watch = undo.use(new ListWatch({ client, resource: nodes.resource, trim, onChange, timings }));
  const scope = undo.move();
  return {
    server,
    watch,
    async reaches(isReached: () => boolean): Promise<void> {
      const reached = Promise.withResolvers<void>();
      const look = () => isReached() && reached.resolve();
      const guard = setTimeout(() => {
        const seen = { names: [...watch.objects.keys()], problem: watch.problem?.message, requests: server.requests };
        reached.reject(new Error(`never reached: ${JSON.stringify(seen)}`));
      }, 30_000);
      const poll = setInterval(look, 20);
      listeners.add(look);
      look();
      try {
        await reached.promise;
      } finally {
        clearTimeout(guard);
        clearInterval(poll);
        listeners.delete(look);
      }
    },
    has: (...names: readonly string[]) => watch.synced && [...watch.objects.keys()].sort().join() === names.join(),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const lists = ({ requests }: StandInApiServer) => requests.filter((line) => !line.includes('watch=1')).length;
const watches = ({ requests }: StandInApiServer) => requests.filter((line) => line.includes('watch=1'));

describe('list and watch', () => {
  it('reads the existing objects and follows changes', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a', { x: '1' })));
    const { server, reaches, has, watch } = followed;
    await reaches(() => has('a'));
    server.store.put(node('b'));
    await reaches(() => has('a', 'b'));
    server.store.put(node('a', { x: '2' }));
    await reaches(() => JSON.stringify(watch.objects.get('a')?.metadata).includes('"x":"2"'));
    server.store.remove('Node/a');
    await reaches(() => has('b'));
    assert.equal(lists(server), 1);
  });

  it('requests only metadata, with bookmarks and a time limit of the watch', async () => {
    const asked: boolean[] = [];
    await using followed = await follow((server) => {
      server.store.put(node('a', {}, { images: ['x'.repeat(10_000)] }));
      server.intercept(({ metadataOnly }) => void asked.push(metadataOnly));
    });
    await followed.reaches(() => followed.server.watches === 1);
    assert.deepEqual(asked, [true, true], 'list and watch');
    assert.equal(followed.watch.objects.get('a')?.status, undefined);
    const query = new URL(watches(followed.server)[0]?.split(' ')[1] ?? '', 'http://x').searchParams;
    assert.equal(query.get('allowWatchBookmarks'), 'true');
    const seconds = Number(query.get('timeoutSeconds'));
    assert.ok(seconds >= 300 && seconds <= 600, `${seconds} s`);
  });

  it('lists in pages of 500', async () => {
    const names = Array.from({ length: 1_201 }, (_, index) => `n${index}`);
    await using followed = await follow(({ store }) => {
      for (const name of names) store.put(node(name));
    });
    await followed.reaches(() => followed.watch.synced);
    assert.equal(followed.watch.objects.size, 1_201);
    assert.equal(lists(followed.server), 3);
  });

  it('does not notify about changes of unused fields, and keeps the object', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a', { x: '1' })));
    const { server, reaches, watch } = followed;
    await reaches(() => server.watches === 1);
    const [object, revision] = [watch.objects.get('a'), watch.revision];
    server.store.put(node('a', { x: '1' }, { heartbeat: 2 }));
    server.store.put(node('b'));
    await reaches(() => watch.objects.has('b'));
    assert.equal(watch.objects.get('a'), object);
    assert.equal(watch.revision, revision + 1);
  });

  it('continues at the version where a watch ended, without a new list', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')));
    const { server, reaches, has } = followed;
    for (const [how, name] of [
      ['end', 'b'],
      ['cut', 'c'],
    ] as const) {
      await reaches(() => server.watches === 1);
      server.endWatches(how);
      await reaches(() => server.watches === 0);
      server.store.put(node(name));
      await reaches(() => followed.watch.objects.has(name));
    }
    assert.ok(has('a', 'b', 'c'));
    assert.equal(lists(server), 1);
  });

  it('continues from the last bookmark', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')));
    const { server, reaches, watch } = followed;
    await reaches(() => server.watches === 1);
    // A Secret changes, which a watch of nodes does not receive. Then the history is compacted, so no watch can start
    // from a version before that change.
    server.store.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'x' } });
    server.store.compact();
    server.sendBookmarks();
    server.endWatches('end');
    await reaches(() => watches(server).length >= 2 && server.watches === 1);
    assert.equal(lists(server), 1);
    server.store.put(node('b'));
    await reaches(() => watch.objects.has('b'));
  });

  it('lists again if the history was compacted, and detects deletions', async () => {
    await using followed = await follow(({ store }) => {
      for (const name of ['a', 'b']) store.put(node(name));
    });
    const { server, reaches, has } = followed;
    await reaches(() => server.watches === 1);
    server.silenceWatches();
    server.store.remove('Node/a');
    server.store.put(node('c'));
    server.store.compact();
    server.endWatches('cut');
    await reaches(() => has('b', 'c'));
    assert.equal(followed.watch.problem, undefined, 'a relist is not reported as a problem');
  });

  it('lists again if the response to the watch request is 410', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')));
    const { server, reaches, has } = followed;
    await reaches(() => server.watches === 1);
    let refusals = 1;
    server.intercept(({ query }) => {
      if (query.get('watch') === null || refusals === 0) return undefined;
      refusals -= 1;
      server.store.put(node('b'));
      return { status: 410, body: { kind: 'Status', code: 410, message: 'Expired' } };
    });
    server.endWatches('end');
    await reaches(() => has('a', 'b') && server.watches === 1);
    assert.equal(lists(server), 2);
  });

  for (const [title, line] of [
    ['half an object', '{"type":"ADDED","object":{"metadata":{"na'],
    ['no event', '<html>gateway</html>'],
    ['an event without an object name', '{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"5"}}}'],
  ] as const) {
    it(`lists again after a line that is ${title}`, async () => {
      await using followed = await follow(({ store }) => void store.put(node('a')));
      const { server, reaches, has } = followed;
      await reaches(() => server.watches === 1);
      server.silenceWatches();
      server.store.put(node('b'));
      server.endWatches('cut');
      await reaches(() => has('a', 'b') && watches(server).length === 2 && server.watches === 1);
      server.sendLine(line);
      await reaches(() => lists(server) === 2 && watches(server).length === 3 && server.watches === 1);
      assert.ok(has('a', 'b'));
    });
  }

  const bugs: Readonly<Record<string, ListWatchOptions['trim']>> = {
    read: () => assert.fail('a bug'),
    'compared with the previous version': ({ metadata }) => ({
      metadata,
      get spec() {
        return assert.fail('a bug');
      },
    }),
  };
  for (const [title, breakObject] of Object.entries(bugs)) {
    it(`loses no event if an object cannot be ${title}: reports the error, lists again, and continues`, async () => {
      let isBroken = false;
      const trim: ListWatchOptions['trim'] = (object) =>
        isBroken && object.metadata.name === 'a' ? breakObject(object) : { metadata: object.metadata, spec: {} };
      await using followed = await follow(({ store }) => void store.put(node('a')), {}, trim);
      const { server, reaches, has, watch } = followed;
      await reaches(() => server.watches === 1);
      isBroken = true;
      const reported = reaches(() => watch.problem !== undefined);
      server.store.put(node('a', { x: '2' }));
      server.store.put(node('b'));
      await reported;
      assert.equal(watch.problem?.code, 'Unexpected');
      assert.match(watch.problem?.message ?? '', /^watch of Nodes: an object could not be stored: a bug/);
      await reaches(() => lists(server) >= 3);
      assert.equal(watches(server).length, 1, 'no watch starts without a version');
      isBroken = false;
      await reaches(() => has('a', 'b') && watch.problem === undefined);
      assert.deepEqual(watch.objects.get('a')?.metadata.labels, { x: '2' });
    });
  }

  it('accepts a value that is nested 5,000 levels deep, from an event and from a list', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`);
    await using followed = await follow(({ store }) => void store.put(node('a', { deep })));
    const { server, reaches, has, watch } = followed;
    await reaches(() => server.watches === 1);
    const before = watch.objects.get('a');
    server.silenceWatches();
    server.store.put(node('b'));
    server.store.compact();
    server.endWatches('cut');
    await reaches(() => has('a', 'b') && server.watches === 1);
    assert.equal(watch.objects.get('a'), before);
    assert.equal(watch.problem, undefined);
  });

  it('restarts the silence timer after each line', async (t) => {
    // No other timer has this duration, so it identifies the silence timer.
    const staleMs = 123_457;
    const restarts: string[] = [];
    const { setTimeout: start } = globalThis;
    const spy = (callback: () => void, ms?: number): NodeJS.Timeout => {
      const timer = start(callback, ms);
      if (ms === staleMs) t.mock.method(timer, 'refresh', () => restarts.push('refresh'));
      return timer;
    };
    t.mock.method(globalThis, 'setTimeout', spy as typeof setTimeout);
    await using followed = await follow(({ store }) => void store.put(node('a')), { staleMs });
    const { server, reaches } = followed;
    await reaches(() => server.watches === 1);
    server.sendBookmarks();
    await reaches(() => restarts.length === 1);
    server.store.put(node('b'));
    await reaches(() => restarts.length === 2);
  });

  it('ends a silent watch, even if its connection is open', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')), { staleMs: 300 });
    const { server, reaches, has } = followed;
    await reaches(() => server.watches === 1);
    server.silenceWatches();
    server.store.put(node('b'));
    await reaches(() => has('a', 'b'));
  });

  it('lists again after a watch without any line, but not after one that became silent later', async () => {
    await using followed = await follow(
      (standIn) => {
        standIn.store.put(node('a'));
        // Sends the bookmark together with the headers of the response, so that the first watch receives it in time on
        // a busy machine.
        standIn.intercept(({ query }) => {
          if (query.get('watch') !== null && watches(standIn).length === 1) queueMicrotask(standIn.sendBookmarks);
          return undefined;
        });
      },
      { staleMs: 300 },
    );
    const { server, reaches } = followed;
    await reaches(() => server.requests.length >= 5);
    const asked = server.requests.slice(0, 5).map((line) => (line.includes('watch=1') ? 'watch' : 'list'));
    assert.deepEqual(asked, ['list', 'watch', 'watch', 'list', 'watch']);
  });

  it('lists again after an event with an older version, because the server was restored from a backup', async () => {
    await using followed = await follow(({ store }) => {
      for (const name of ['a', 'b']) store.put(node(name, { x: '2' }));
    });
    const { server, reaches, has, watch } = followed;
    await reaches(() => server.watches === 1);
    server.silenceWatches();
    server.store.remove('Node/a');
    server.endWatches('end');
    await reaches(() => watches(server).length === 2 && server.watches === 1);
    const old = { ...node('b', { x: '1' }), metadata: { name: 'b', labels: { x: '1' }, resourceVersion: '3' } };
    server.sendLine(JSON.stringify({ type: 'MODIFIED', object: old }));
    await reaches(() => lists(server) === 2 && has('b') && server.watches === 1);
    assert.deepEqual(watch.objects.get('b')?.metadata.labels, { x: '2' });
  });

  it('lists again when every watch from its version ends with the same error', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')));
    const { server, reaches, has } = followed;
    await reaches(() => server.watches === 1);
    server.intercept(({ query }) => {
      if (query.get('watch') === null || lists(server) > 1) return undefined;
      server.store.put(node('b'));
      return { status: 504, body: { kind: 'Status', code: 504, message: 'Too large resource version' } };
    });
    server.endWatches('end');
    await reaches(() => has('a', 'b') && server.watches === 1);
    assert.equal(lists(server), 2);
  });

  it('keeps its objects during an outage, reports the outage, and continues afterwards', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')));
    const { server, reaches, has, watch } = followed;
    await reaches(() => has('a'));
    await server.stop();
    await reaches(() => watch.problem?.code === 'ApiServerUnreachable');
    assert.ok(has('a'));
    server.store.put(node('b'));
    await server.start();
    await reaches(() => has('a', 'b') && watch.problem === undefined);
  });

  it('records the time of each list, event and bookmark, and nothing during an outage', async () => {
    await using followed = await follow(() => {});
    const { server, reaches, watch } = followed;
    assert.equal(watch.confirmedMs, undefined);
    await reaches(() => server.watches === 1 && watch.confirmedMs !== undefined);
    const listed = watch.confirmedMs ?? Number.NaN;
    server.sendBookmarks();
    await reaches(() => (watch.confirmedMs ?? 0) > listed);
    const confirmed = watch.confirmedMs;
    await server.stop();
    await reaches(() => watch.problem !== undefined);
    assert.equal(watch.confirmedMs, confirmed);
  });

  it('is not synced before the first list, and reports the reason', async () => {
    await using followed = await follow((server) => {
      server.intercept(() => ({ status: 403, body: { kind: 'Status', message: 'nodes is forbidden' } }));
    });
    const { server, reaches, watch } = followed;
    await reaches(() => watch.problem !== undefined);
    assert.equal(watch.synced, false);
    assert.match(watch.problem?.message ?? '', /^list of Nodes: 403: nodes is forbidden; grant it/);
    server.intercept(undefined);
    await reaches(() => watch.synced && watch.problem === undefined);
  });

  it('reports an error if the resource is not installed, and reads it after its installation', async () => {
    await using followed = await follow((server) => {
      server.intercept(() => ({ status: 404, body: { kind: 'Status', message: 'could not find' } }));
    });
    const { server, reaches, watch } = followed;
    await reaches(() => watch.synced && watch.problem !== undefined);
    assert.match(watch.problem?.message ?? '', /not installed: 404/);
    server.store.put(node('a'));
    server.intercept(undefined);
    await reaches(() => watch.objects.has('a') && watch.problem === undefined);
  });

  it('drops the objects of a resource that disappeared only if it stays missing', async () => {
    await using followed = await follow(({ store }) => void store.put(node('a')), { absenceMs: 500 });
    const { server, reaches, watch } = followed;
    await reaches(() => server.watches === 1);
    server.intercept(() => ({ status: 404, body: {} }));
    server.endWatches('end');
    await reaches(() => lists(server) >= 2);
    assert.ok(watch.objects.has('a'));
    await reaches(() => watch.objects.size === 0);
  });

  it('does not send requests in a busy loop if every watch ends at once', async () => {
    await using server = await startApiServer();
    server.store.put(node('a'));
    server.intercept(({ query }) => (query.get('watch') === null ? undefined : { status: 200, body: '' }));
    using client = connectStandIn(server);
    const waits: number[] = [];
    const enough = Promise.withResolvers<void>();
    assert.ok(nodes !== undefined);
    await using _watch = new ListWatch({
      client,
      resource: nodes.resource,
      trim: nodes.trim,
      onChange: () => undefined,
      pause: async (ms) => {
        waits.push(ms);
        if (waits.length === 4) enough.resolve();
      },
    });
    await enough.promise;
    for (const [index, ms] of waits.slice(0, 4).entries()) {
      assert.ok(ms >= 100 * 2 ** index && ms <= 200 * 2 ** index, `wait ${index} of ${ms} ms`);
    }
    assert.equal(lists(server), 1);
  });

  it('waits longer each time, and reports the reason, if each list expires before its watch', async (t) => {
    await using server = await startApiServer();
    const { performance: clock } = globalThis;
    const now = clock.now.bind(clock);
    let tookMs = 0;
    t.mock.method(clock, 'now', () => now() + tookMs);
    server.intercept(({ query }) => {
      if (query.get('watch') !== null) return { status: 410, body: { kind: 'Status', code: 410, message: 'too old' } };
      tookMs += 60_000;
      return undefined;
    });
    using client = connectStandIn(server);
    const waits: number[] = [];
    const enough = Promise.withResolvers<string | undefined>();
    assert.ok(nodes !== undefined);
    await using watch: ListWatch = new ListWatch({
      client,
      resource: nodes.resource,
      trim: nodes.trim,
      onChange: () => undefined,
      pause: async (ms) => {
        waits.push(ms);
        if (waits.length === 4) enough.resolve(watch.problem?.message);
      },
    });
    assert.match((await enough.promise) ?? '', /410/);
    assert.ok((waits[3] ?? 0) >= 800, `${waits[3]} ms`);
    assert.ok(lists(server) >= 4);
  });

  it('lists again at once if the version expired during an outage, without reporting the 410', async () => {
    await using server = await startApiServer();
    server.store.put(node('a'));
    using client = connectStandIn(server);
    const problems = new Set<string>();
    const waits: number[] = [];
    let failures = 0;
    let isRefused = false;
    const relisted = Promise.withResolvers<void>();
    assert.ok(nodes !== undefined);
    await using watch = new ListWatch({
      client,
      resource: nodes.resource,
      trim: nodes.trim,
      onChange: () => {
        if (watch.problem !== undefined) problems.add(watch.problem.code);
        if (watch.objects.has('b')) relisted.resolve();
      },
      pause: async (ms) => {
        if (isRefused) waits.push(ms);
        isRefused = false;
        failures += 1;
        if (failures === 10) await server.start();
      },
    });
    await until(
      async () => server.watches,
      (count) => count === 1,
    );
    await server.stop();
    server.store.put(node('b'));
    let refusals = 1;
    server.intercept(({ query }) => {
      if (query.get('watch') === null || refusals === 0) return undefined;
      refusals -= 1;
      isRefused = true;
      return { status: 410, body: { kind: 'Status', code: 410, message: 'too old resource version' } };
    });
    await relisted.promise;
    assert.ok(failures >= 10);
    assert.equal(waits.length, 1);
    assert.ok((waits[0] ?? 0) <= 200, `${waits[0]} ms`);
    assert.deepEqual([...problems], ['ApiServerUnreachable']);
  });

  it('waits for the Retry-After of the server', async () => {
    await using server = await startApiServer();
    server.intercept(() => ({ status: 429, body: {}, headers: { 'retry-after': '7' } }));
    using client = connectStandIn(server);
    const waited = Promise.withResolvers<number>();
    assert.ok(nodes !== undefined);
    await using _watch = new ListWatch({
      client,
      resource: nodes.resource,
      trim: nodes.trim,
      onChange: () => undefined,
      pause: async (ms) => waited.resolve(ms),
    });
    const ms = await waited.promise;
    assert.ok(ms >= 7_000 && ms <= 10_500, `${ms} ms`);
  });

  it('accepts a very large object, but not an endless line', async () => {
    await using followed = await follow(() => undefined);
    const { server, reaches, watch } = followed;
    await reaches(() => server.watches === 1);
    server.store.put(node('large', { x: 'y'.repeat(4_000_000) }));
    await reaches(() => watch.objects.has('large'));
    server.sendLine(`{"type":"ADDED","object":"${'x'.repeat(17_000_000)}"}`);
    await reaches(() => watches(server).length === 2 && server.watches === 1);
    assert.ok(watch.objects.has('large'));
  });

  it('leaves no request and no timer after it ends', async () => {
    const followed = await follow(({ store }) => void store.put(node('a')));
    await followed.reaches(() => followed.server.watches === 1);
    await followed.watch[Symbol.asyncDispose]();
    await followed.reaches(() => followed.server.watches === 0);
    await followed[Symbol.asyncDispose]();
  });
});
