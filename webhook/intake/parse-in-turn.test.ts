// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { buildLogged, buildWith, listen, requestText } from '../../test/fixtures/webhook/connected-app.ts';
import { until } from '../../test/process/until.ts';
import type { Endpoint } from '../admission/endpoint.ts';
import { createBodySemaphore } from './parse-in-turn.ts';

/** Large enough that two bodies with this text cannot be under review at the same time. */
const large = 'x'.repeat(3 * 1024 * 1024);

/** Starts the app, and clients that send reviews to it. */
async function stageQueue(handle: Endpoint['handle']) {
  await using undo = new AsyncDisposableStack();
  const asked: string[] = [];
  const server = undo.use(
    await listen((request, deadlines) => {
      asked.push(request.uid);
      return handle(request, deadlines);
    }),
  );
  const sockets: Socket[] = [];
  server.app.server.on('connection', (socket: Socket) => sockets.push(socket));
  const requests: IncomingMessage[] = [];
  const responses: ServerResponse[] = [];
  server.app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request);
    responses.push(response);
  });
  const ending = undo.move();
  const openConnection = () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' });
    ending.defer(() => void socket.destroy());
    socket.on('error', () => undefined);
    return socket;
  };
  return {
    /** Sends a review. Resolves when the app has received all of it, so that reviews arrive one at a time. */
    send: async (uid: string, padding = '') => {
      const socket = openConnection();
      await once(socket, 'secureConnect');
      const before = requests.length;
      socket.write(requestText(uid, padding));
      await until(
        async () => requests.at(before)?.readableEnded,
        (isEnded) => isEnded === true,
      );
      return socket;
    },
    /** Returns the answer to a request whose body the app does not read. The connection ends with that answer. */
    refused: async (uid: string, padding: string) => {
      const socket = openConnection();
      socket.write(requestText(uid, padding));
      const [answer] = await once(socket, 'data');
      return String(answer);
    },
    /** Waits until the handler has received exactly these requests, in this order. */
    isAsked: (...uids: readonly string[]) =>
      until(
        async () => asked,
        (seen) => seen.join() === uids.join(),
      ),
    /** Waits until the app has closed this many connections. */
    areGone: (count: number) =>
      until(
        async () => sockets.filter(({ destroyed }) => destroyed).length,
        (gone) => gone === count,
      ),
    /** Closes the connection of a request on the app's side. */
    cut: (index: number) => void requests.at(index)?.socket.destroy(),
    /** Returns for each request, in order, whether its answer was written completely. */
    written: async () => responses.map(({ writableFinished }) => writableFinished),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}

/** Starts a queue whose first request is under review until `release` is called. */
async function stageWaitingQueue(beforeAnswer: (stage: Awaited<ReturnType<typeof stageQueue>>) => void = () => {}) {
  const released = Promise.withResolvers<void>();
  const stage = await stageQueue(async ({ uid }) => {
    if (uid === 'first') {
      await released.promise;
      beforeAnswer(stage);
    }
    return { verdicts: [] };
  });
  return { ...stage, release: released.resolve };
}

describe('a large body', () => {
  it('waits for the large ones before it, but a small one does not wait', {
    timeout: 60_000,
  }, async () => {
    await using stage = await stageWaitingQueue();
    const { send, isAsked, areGone, release } = stage;
    const first = await send('first', large);
    await isAsked('first');
    await send('second', large);
    first.destroy();
    await areGone(1);
    await send('small');
    await isAsked('first', 'small');
    release();
    await isAsked('first', 'small', 'second');
  });

  it('waits even if it is only 600 KiB long, because its values can take fifty times as much memory', {
    timeout: 60_000,
  }, async () => {
    const medium = 'x'.repeat(600 * 1024);
    await using stage = await stageWaitingQueue();
    const { send, isAsked, release } = stage;
    await send('first', medium);
    await isAsked('first');
    await send('second', medium);
    await send('small');
    await isAsked('first', 'small');
    release();
    await isAsked('first', 'small', 'second');
  });

  it('is not reviewed if its connection ends just before its turn', { timeout: 60_000 }, async () => {
    // The connection of the second request ends just before the first request frees its place.
    await using stage = await stageWaitingQueue(({ cut }) => cut(1));
    for (const uid of ['first', 'second', 'third']) await stage.send(uid, large);
    stage.release();
    await stage.isAsked('first', 'third');
  });

  it('does not block the next one if its client does not read the answer', {
    timeout: 60_000,
  }, async () => {
    // Longer than the buffers of two sockets.
    const edits = [{ op: 'add', path: '/spec', value: 'x'.repeat(24 * 1024 * 1024) }] as const;
    await using stage = await stageQueue(({ uid }) => ({ verdicts: [], ...(uid === 'first' && { edits }) }));
    await stage.send('first', large);
    await stage.isAsked('first');
    await stage.send('second', large);
    await stage.isAsked('first', 'second');
    const written = await until(stage.written, ([, isSecond]) => isSecond === true);
    assert.deepEqual(written, [false, true]);
  });

  it('is refused with 503 if too many wait, and one whose client disconnects makes room', {
    timeout: 60_000,
  }, async () => {
    await using stage = await stageWaitingQueue();
    const { send, isAsked, areGone, release } = stage;
    const larger = 'x'.repeat(6 * 1024 * 1024);
    await send('first', larger);
    await isAsked('first');
    for (const uid of ['a', 'b']) await send(uid, larger);
    const last = await send('c', larger);
    const answer = await stage.refused('d', larger);
    assert.match(answer, /^HTTP\/1\.1 503 .*\nretry-after: 1\r\n.*"too many bytes are in flight; try again"/s);
    last.destroy();
    await areGone(2);
    await send('e', larger);
    release();
    await isAsked('first', 'a', 'b', 'e');
  });

  it('has deadlines and a duration that count from its arrival', { timeout: 60_000 }, async () => {
    const judged = Promise.withResolvers<void>();
    const dues: boolean[] = [];
    const { app, lines } = buildLogged(async ({ uid }, { isDue }) => {
      if (uid === 'first') await judged.promise;
      else dues.push(isDue());
      return { verdicts: [] };
    });
    const post = (uid: string) => {
      const [, payload = ''] = requestText(uid, large).split('\r\n\r\n');
      const headers = { 'content-type': 'application/json' };
      return app.inject({ method: 'POST', url: '/mutate/pods?timeout=20ms', headers, payload });
    };
    const arrived = Promise.withResolvers<void>();
    let arrivals = 0;
    app.addHook('onRequest', async () => {
      arrivals += 1;
      if (arrivals === 2) arrived.resolve();
    });
    const first = post('first');
    const second = post('second');
    await arrived.promise;
    const sinceMs = performance.now();
    await sleep(20);
    const waitedMs = Math.floor(performance.now() - sinceMs);
    judged.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(dues, [true]);
    assert.deepEqual(
      lines.map(({ fields }) => Number(fields.durationMs) >= waitedMs),
      [true, true],
    );
  });

  it('for an unknown path does not block others', { timeout: 60_000 }, async () => {
    const app = buildWith(() => ({ verdicts: [] }), {});
    const headers = { 'content-type': 'application/json' };
    const post = (url: string) => app.inject({ method: 'POST', url, headers, payload: JSON.stringify(large) });
    const answers = await Promise.all(['/a', '/b', '/mutate/pods'].map(post));
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [404, 404, 400],
    );
  });

  it('that is not JSON gets 400, and does not block the next one', { timeout: 60_000 }, async () => {
    const app = buildWith(() => ({ verdicts: [] }), {});
    const post = (payload: string) =>
      app.inject({ method: 'POST', url: '/mutate/pods', headers: { 'content-type': 'application/json' }, payload });
    const broken = `{"a":"${'x'.repeat(3 * 1024 * 1024)}"`;
    const answers = await Promise.all([post(broken), post(broken), post(broken)]);
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [400, 400, 400],
    );
  });
});

describe('bodies that arrive at the same time', () => {
  const enter = (...bodies: readonly (readonly [client: string, length: number])[]) => {
    const gate = createBodySemaphore(4);
    const inside = new Map<number, () => void>();
    const places = bodies.map(([client, length], index) =>
      gate.enter(client, length, (leave) => inside.set(index, leave)),
    );
    return { inside, places, turn: () => [...inside.keys()] };
  };

  it('wait in turn if their total is too large', () => {
    const { inside, turn } = enter(['a', 2], ['a', 2], ['a', 1], ['a', 7], ['a', 2]);
    assert.deepEqual(turn(), [0, 1]);
    inside.get(1)?.();
    assert.deepEqual(turn(), [0, 1, 2]);
    inside.get(0)?.();
    assert.deepEqual(turn(), [0, 1, 2], 'the largest is next, and must be the only one');
    inside.get(2)?.();
    assert.deepEqual(turn(), [0, 1, 2, 3]);
    inside.get(3)?.();
    assert.deepEqual(turn(), [0, 1, 2, 3, 4]);
  });

  it('free their space only once, however often they leave', () => {
    const { inside, turn } = enter(['a', 4], ['a', 2], ['a', 2], ['a', 2]);
    for (let times = 0; times < 3; times += 1) inside.get(0)?.();
    assert.deepEqual(turn(), [0, 1, 2]);
  });

  it('that leave before their turn are dropped, and do not block those behind them', () => {
    const { inside, places, turn } = enter(['a', 3], ['b', 7], ['a', 1], ['a', 2]);
    assert.deepEqual(turn(), [0]);
    for (let times = 0; times < 2; times += 1) places[1]?.();
    assert.deepEqual(turn(), [0, 2]);
    inside.get(0)?.();
    assert.deepEqual(turn(), [0, 2, 3]);
  });

  it('of different clients take turns, however many bodies one client has', () => {
    const { inside, turn } = enter(['a', 4], ['a', 4], ['a', 4], ['a', 4], ['b', 4], ['c', 4], ['b', 4]);
    for (const index of [0, 1, 4, 5, 2, 6]) inside.get(index)?.();
    assert.deepEqual(turn(), [0, 1, 4, 5, 2, 6, 3]);
  });
});
