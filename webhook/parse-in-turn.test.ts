// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { buildLogged, buildWith, listen, requestText } from '../test/fixtures/webhook/connected-app.ts';
import { until } from '../test/process/until.ts';
import type { Endpoint } from './admission/judgement.ts';

/** Two of them are too large to be under review at once. */
const large = 'x'.repeat(3 * 1024 * 1024);

/** The app, listening, and clients that send it reviews. */
async function stageQueue(judge: Endpoint['judge']) {
  await using undo = new AsyncDisposableStack();
  const asked: string[] = [];
  const server = undo.use(
    await listen((request, deadlines) => {
      asked.push(request.uid);
      return judge(request, deadlines);
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
  return {
    /** One at a time; back when the app has the whole of it. */
    send: async (uid: string, padding = '') => {
      const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' });
      ending.defer(() => void socket.destroy());
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      const before = requests.length;
      socket.write(requestText(uid, padding));
      await until(
        async () => requests.at(before)?.readableEnded,
        (isEnded) => isEnded === true,
      );
      return socket;
    },
    /** Who was judged, in the order of their turns. */
    isAsked: (...uids: readonly string[]) =>
      until(
        async () => asked,
        (seen) => seen.join() === uids.join(),
      ),
    /** How many connections have ended on the side of the app. */
    areGone: (count: number) =>
      until(
        async () => sockets.filter(({ destroyed }) => destroyed).length,
        (gone) => gone === count,
      ),
    /** Ends the connection of a request from the side of the app. */
    cut: (index: number) => void requests.at(index)?.socket.destroy(),
    /** Whether each answer was written whole, in the order of their requests. */
    written: async () => responses.map(({ writableFinished }) => writableFinished),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}

describe('a large body', () => {
  it('waits until those before it are judged, and a small one for nothing', {
    timeout: 60_000,
  }, async () => {
    const judged = Promise.withResolvers<void>();
    await using stage = await stageQueue(async ({ uid }) => {
      if (uid === 'first') await judged.promise;
      return { verdicts: [] };
    });
    const { send, isAsked, areGone } = stage;
    const first = await send('first', large);
    await isAsked('first');
    await send('second', large);
    first.destroy();
    await areGone(1);
    await send('small');
    await isAsked('first', 'small');
    judged.resolve();
    await isAsked('first', 'small', 'second');
  });

  it('is not reviewed when its connection is cut in the moment of its turn', { timeout: 60_000 }, async () => {
    const judged = Promise.withResolvers<void>();
    await using stage = await stageQueue(async ({ uid }) => {
      if (uid === 'first') {
        await judged.promise;
        // Its end is told to nobody before the place of the first is given back.
        stage.cut(1);
      }
      return { verdicts: [] };
    });
    for (const uid of ['first', 'second', 'third']) await stage.send(uid, large);
    judged.resolve();
    await stage.isAsked('first', 'third');
  });

  it('is not waited for when its client does not read what it is answered', {
    timeout: 60_000,
  }, async () => {
    // More than the buffers of two sockets take.
    const edits = [{ op: 'add', path: '/spec', value: 'x'.repeat(24 * 1024 * 1024) }] as const;
    await using stage = await stageQueue(({ uid }) => ({ verdicts: [], ...(uid === 'first' && { edits }) }));
    await stage.send('first', large);
    await stage.isAsked('first');
    await stage.send('second', large);
    await stage.isAsked('first', 'second');
    const written = await until(stage.written, ([, isSecond]) => isSecond === true);
    assert.deepEqual(written, [false, true]);
  });

  it('is to be sent again where too many wait, and one that is given up makes room', {
    timeout: 60_000,
  }, async () => {
    const judged = Promise.withResolvers<void>();
    await using stage = await stageQueue(async ({ uid }) => {
      if (uid === 'first') await judged.promise;
      return { verdicts: [] };
    });
    const { send, isAsked, areGone } = stage;
    const larger = 'x'.repeat(6 * 1024 * 1024);
    await send('first', larger);
    await isAsked('first');
    for (const uid of ['a', 'b', 'c', 'd']) await send(uid, larger);
    const last = await send('e', larger);
    const answer = await once(await send('f', larger), 'data');
    assert.match(String(answer), /^HTTP\/1\.1 503 .*\nretry-after: 1\r\n.*"too many large reviews wait; try again"/s);
    last.destroy();
    await areGone(1);
    await send('g', larger);
    judged.resolve();
    await isAsked('first', 'a', 'b', 'c', 'd', 'g');
  });

  it('has the times of its review counted from its arrival', { timeout: 60_000 }, async () => {
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

  it('that goes to no path of ours holds up nothing', { timeout: 60_000 }, async () => {
    const app = buildWith(() => ({ verdicts: [] }), {});
    const headers = { 'content-type': 'application/json' };
    const post = (url: string) => app.inject({ method: 'POST', url, headers, payload: JSON.stringify(large) });
    const answers = await Promise.all(['/a', '/b', '/mutate/pods'].map(post));
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [404, 404, 400],
    );
  });

  it('that is no JSON is told so, and the next in turn is read', { timeout: 60_000 }, async () => {
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
