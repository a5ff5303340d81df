// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { createMemoryCluster, type MemoryCluster } from '../test/fixtures/certs/memory-cluster.ts';
import { until } from '../test/process/until.ts';
import { createLookPlan, renewCertificate } from './renew-certificate.ts';
import type { Outcome } from './renewal-controller.ts';
import type { ServedCertificate } from './served-certificate.ts';

const names = ['webhook.ns.svc'];
const keep = (cluster: MemoryCluster, more: Partial<Parameters<typeof renewCertificate>[0]> = {}) =>
  renewCertificate({ ...cluster, names, pollMs: 50, ...more });
/**
 * With these settings, a certificate is due for renewal six seconds after it is made. That leaves enough time to serve
 * its successor before the successor is due, even on a busy machine.
 */
const soonDue = { lifetimeMs: 3_600_000, renewBeforeMs: 3_594_000, overlapMs: 1_500 };
/**
 * How long a client has to connect after it has read the bundle. If a connection takes longer, its failure does not
 * count.
 */
const connectMs = 300;

/** Starts a server that always serves the current certificate, like the webhook. */
async function serve(kept: ServedCertificate): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer((_, response) => response.end('ok'));
  const load = () => kept.current && server.setSecureContext({ cert: kept.current.certPem, key: kept.current.keyPem });
  load();
  const listening = kept.onChange(load);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Makes a request on a new connection. Resolves with the serial number of the certificate that the client accepted. */
async function call(port: number, ca: string): Promise<string> {
  const sent = request({ port, host: '127.0.0.1', ca, servername: names[0], agent: false, path: '/' });
  sent.end();
  const [response] = await once(sent, 'response');
  const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
  response.resume();
  await once(response, 'end');
  return serialNumber;
}

describe('a certificate that is renewed automatically', () => {
  it('is renewed twice, and every client accepts it whose bundle is at most as old as the overlap', async () => {
    const cluster = createMemoryCluster();
    await using one = await keep(cluster, { settings: soonDue });
    await using other = await keep(cluster, { settings: soonDue });
    await until(
      async () => [one.current?.serial === other.current?.serial, cluster.bundle !== ''],
      (all) => all.every(Boolean),
    );
    await using first = await serve(one);
    await using second = await serve(other);
    const bundles = [{ sinceMs: performance.now(), text: cluster.bundle }];
    cluster.onChanged = (what) => {
      if (what === 'write bundle') bundles.push({ sinceMs: performance.now(), text: cluster.bundle });
    };
    const newest = () => bundles.length - 1;
    /** Returns the index of the oldest bundle that a client may still have. */
    const oldest = () =>
      Math.max(
        bundles.findLastIndex(({ sinceMs }) => sinceMs <= performance.now() - (soonDue.overlapMs - connectMs)),
        0,
      );
    /** Returns whether a client may still have this bundle. If so, it must accept the served certificate. */
    const isKnown = (index: number) =>
      performance.now() < (bundles[index + 1]?.sinceMs ?? Number.POSITIVE_INFINITY) + soonDue.overlapMs;
    const serials = new Set<string>();
    const failures: unknown[] = [];
    const client = async (port: number, choose: () => number) => {
      while (serials.size < 3 && failures.length === 0) {
        // Read the bundle before connecting, like a real client.
        const index = choose();
        await call(port, bundles[index]?.text ?? '').then(
          (serial) => serials.add(serial),
          (thrown: unknown) => isKnown(index) && failures.push(thrown),
        );
      }
    };
    await Promise.all([first, second].flatMap(({ port }) => [client(port, newest), client(port, oldest)]));
    assert.deepEqual(failures, []);
    assert.deepEqual([one.problems, other.problems], [[], []]);
  });

  it('is available after the first check, or, if the store is unavailable, as soon as the store returns', async () => {
    const cluster = createMemoryCluster();
    {
      await using kept = await keep(cluster);
      assert.ok(kept.current !== undefined && kept.current.notAfter.getTime() > Date.now());
      assert.deepEqual(Object.keys(kept.current).sort(), ['certPem', 'keyPem', 'notAfter', 'serial']);
    }
    const events: string[] = [];
    cluster.onRequest = () => Promise.reject(new Error('connection refused'));
    await using kept = await keep(cluster, { onEvent: ({ what }) => events.push(what) });
    assert.deepEqual([kept.current, kept.problems.at(-1)?.message], [undefined, 'connection refused']);
    let changes = 0;
    using _listening = kept.onChange(() => {
      changes += 1;
    });
    cluster.onRequest = () => undefined;
    await until(
      async () => kept,
      ({ current, problems }) => current !== undefined && problems.length === 0,
    );
    assert.ok(changes > 0);
    assert.equal(events[0], 'serve');
  });

  it('follows changes of store and bundle through their watches, without waiting for the poll', async () => {
    const vanish: Readonly<Record<string, (cluster: MemoryCluster) => void>> = {
      publisher: (cluster) => cluster.publish(''),
      store: (cluster) => cluster.edit(undefined),
    };
    for (const [watched, empty] of Object.entries(vanish)) {
      const cluster = createMemoryCluster();
      const [{ watch: storeWatch, ...store }, { watch: publisherWatch, ...publisher }] = [
        cluster.store,
        cluster.publisher,
      ];
      const requests: string[] = [];
      cluster.onRequest = (request) => void requests.push(request);
      await using kept = await renewCertificate({
        store: watched === 'store' && storeWatch ? { ...store, watch: storeWatch } : store,
        publisher: watched === 'publisher' && publisherWatch ? { ...publisher, watch: publisherWatch } : publisher,
        names,
        pollMs: 3_600_000,
      });
      // After these requests, everything is published. The next poll is an hour away, so only a watch can cause another
      // check.
      await until(
        async () => requests.join(),
        (all) =>
          all.endsWith('write bundle,read bundle,read store') ||
          all.endsWith('read bundle,read store,read bundle,read store'),
      );
      const { bundle } = cluster;
      empty(cluster);
      await until(
        async () => cluster.bundle !== '' && cluster.stored !== undefined,
        (isThere) => isThere,
      );
      if (watched === 'publisher') assert.equal(cluster.bundle, bundle);
      assert.deepEqual(kept.problems, []);
    }
  });

  it('cancels a check that takes too long', async () => {
    const cluster = createMemoryCluster();
    const store = {
      ...cluster.store,
      read: (signal: AbortSignal) =>
        new Promise<undefined>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    };
    await using kept = await renewCertificate({ store, publisher: cluster.publisher, names, lookTimeoutMs: 50 });
    assert.deepEqual(
      kept.problems.map(({ code }) => code),
      ['StoreUnavailable'],
    );
    assert.match(kept.problems[0]?.message ?? '', /timeout/);
  });

  it('causes no problem if the process stops before the store answers', async () => {
    const cluster = createMemoryCluster();
    const asked = Promise.withResolvers<void>();
    const store = {
      ...cluster.store,
      read: (signal: AbortSignal) =>
        new Promise<undefined>((_, reject) => {
          asked.resolve();
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    const ending = new AbortController();
    const keeping = renewCertificate({ store, publisher: cluster.publisher, names, signal: ending.signal });
    await asked.promise;
    ending.abort();
    await using kept = await keeping;
    assert.deepEqual([kept.current, kept.problems], [undefined, []]);
  });

  it('is no longer checked after the process was asked to stop, and stays in use', async () => {
    const cluster = createMemoryCluster();
    const ending = new AbortController();
    await using kept = await keep(cluster, { signal: ending.signal });
    const { current } = kept;
    assert.ok(current);
    ending.abort();
    const requests: string[] = [];
    cluster.onRequest = (request) => void requests.push(request);
    cluster.edit(undefined);
    // Four times the interval between two checks.
    await sleep(200);
    assert.deepEqual([kept.current, kept.problems, requests], [current, [], []]);
  });

  it('can be disposed of during a check, without a notification', async () => {
    const cluster = createMemoryCluster();
    const kept = await keep(cluster);
    const begun = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    cluster.onRequest = () => {
      begun.resolve();
      return answered.promise;
    };
    let changes = 0;
    using _listening = kept.onChange(() => {
      changes += 1;
    });
    await begun.promise;
    const ended = kept[Symbol.asyncDispose]();
    answered.resolve();
    await ended;
    assert.equal(changes, 0);
    cluster.onRequest = assert.fail;
    cluster.edit(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(cluster.stored, undefined);
  });

  it('refuses impossible settings', async () => {
    await assert.rejects(keep(createMemoryCluster(), { settings: { lifetimeMs: 1 } }), RangeError);
  });
});

const again: Outcome = { type: 'again' };
const failed: Outcome = { type: 'failed' };
const settled = (waitMs: number): Outcome => ({ type: 'settled', waitMs });
const pollMs = 60_000;
const planWith = (random: number) => createLookPlan(pollMs, () => random);

test('without changes, the next check is when something is due or at the next poll, up to a quarter earlier', () => {
  assert.deepEqual(planWith(0)(settled(5_000)), { waitMs: 5_000, mayBeEarlier: true });
  assert.deepEqual(planWith(0)(settled(1e9)), { waitMs: pollMs, mayBeEarlier: true });
  assert.deepEqual(planWith(1)(settled(1e9)), { waitMs: 45_000, mayBeEarlier: true });
});

test('repeated work that is due at once does not cause a busy loop', () => {
  assert.equal(planWith(0)(settled(0)).waitMs, 20);
});

test('after a few changes in a row the next check is soon, and after many it is later and later', () => {
  const plan = planWith(0);
  const waits = Array.from({ length: 14 }, () => plan(again).waitMs);
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
  plan(settled(1));
  assert.equal(plan(again).waitMs, 0);
});

test('after failures the wait grows, half of it random, up to the poll interval, and no event shortens it', () => {
  const plan = planWith(0);
  assert.deepEqual(
    Array.from({ length: 3 }, () => plan(failed)),
    [200, 400, 800].map((waitMs) => ({ waitMs, mayBeEarlier: false })),
  );
  plan(settled(1));
  assert.equal(plan(failed).waitMs, 200);
  assert.equal(planWith(1)(failed).waitMs, 100);
  assert.equal(createLookPlan(50, () => 0)(failed).waitMs, 50);
});
