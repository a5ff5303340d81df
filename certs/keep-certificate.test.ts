// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { createMemoryCluster, type MemoryCluster } from '../test/fixtures/certs/memory-cluster.ts';
import { until } from '../test/process/until.ts';
import { keepCertificate } from './keep-certificate.ts';
import type { ServedCertificate } from './served-certificate.ts';

const names = ['webhook.ns.svc'];
const keep = (cluster: MemoryCluster, more: Partial<Parameters<typeof keepCertificate>[0]> = {}) =>
  keepCertificate({ ...cluster, names, pollMs: 50, ...more });
/** Due some seconds after it was made, so that a successor is served before it is due itself, also where much else runs. */
const soonDue = { lifetimeMs: 3_600_000, renewBeforeMs: 3_594_000, overlapMs: 1_500 };
/** That a connection mostly takes, from the reading of the bundle on; one that takes longer proves nothing. */
const connectMs = 300;

/** A server that serves whatever certificate there is, as the webhook does. */
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

/** One request on a connection of its own; resolves with the serial of the certificate that the client accepted. */
async function call(port: number, ca: string): Promise<string> {
  const sent = request({ port, host: '127.0.0.1', ca, servername: names[0], agent: false, path: '/' });
  sent.end();
  const [response] = await once(sent, 'response');
  const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
  response.resume();
  await once(response, 'end');
  return serialNumber;
}

describe('a certificate that is kept', () => {
  it('is renewed twice under clients that know bundles as old as the overlap allows, and none is refused', async () => {
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
    /** The one that a client knows which is behind. */
    const oldest = () =>
      Math.max(
        bundles.findLastIndex(({ sinceMs }) => sinceMs <= performance.now() - (soonDue.overlapMs - connectMs)),
        0,
      );
    /** Whether a client may know it still: what is served is to be accepted by it. */
    const isKnown = (index: number) =>
      performance.now() < (bundles[index + 1]?.sinceMs ?? Number.POSITIVE_INFINITY) + soonDue.overlapMs;
    const serials = new Set<string>();
    const failures: unknown[] = [];
    const client = async (port: number, choose: () => number) => {
      while (serials.size < 3 && failures.length === 0) {
        // Read before the connection is made, as a client does.
        const index = choose();
        await call(port, bundles[index]?.text ?? '').then(
          (serial) => serials.add(serial),
          (thrown: unknown) => isKnown(index) && failures.push(thrown),
        );
      }
    };
    await Promise.all([first, second].flatMap(({ port }) => [client(port, newest), client(port, oldest)]));
    assert.deepEqual(failures, []);
    assert.deepEqual([one.faults, other.faults], [[], []]);
  });

  it('is there when it was looked for once, unless the store is away; then it comes when the store does', async () => {
    const cluster = createMemoryCluster();
    {
      await using kept = await keep(cluster);
      assert.ok(kept.current !== undefined && kept.current.notAfter.getTime() > Date.now());
      assert.deepEqual(Object.keys(kept.current).sort(), ['certPem', 'keyPem', 'notAfter', 'serial']);
    }
    const events: string[] = [];
    cluster.onRequest = () => Promise.reject(new Error('connection refused'));
    await using kept = await keep(cluster, { onEvent: ({ what }) => events.push(what) });
    assert.deepEqual([kept.current, kept.faults.at(-1)?.message], [undefined, 'connection refused']);
    let changes = 0;
    using _listening = kept.onChange(() => {
      changes += 1;
    });
    cluster.onRequest = () => undefined;
    await until(
      async () => kept,
      ({ current, faults }) => current !== undefined && faults.length === 0,
    );
    assert.ok(changes > 0);
    assert.equal(events[0], 'serve');
  });

  it('follows store and bundle without waiting for the poll, each by its own watch', async () => {
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
      await using kept = await keepCertificate({
        store: watched === 'store' && storeWatch ? { ...store, watch: storeWatch } : store,
        publisher: watched === 'publisher' && publisherWatch ? { ...publisher, watch: publisherWatch } : publisher,
        names,
        pollMs: 3_600_000,
      });
      // Then it has seen that all is as it should be, and nothing but the watch makes it look again.
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
      assert.deepEqual(kept.faults, []);
    }
  });

  it('gives a look up that takes too long', async () => {
    const cluster = createMemoryCluster();
    const store = {
      ...cluster.store,
      read: (signal: AbortSignal) =>
        new Promise<undefined>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    };
    await using kept = await keepCertificate({ store, publisher: cluster.publisher, names, lookTimeoutMs: 50 });
    assert.deepEqual(
      kept.faults.map(({ code }) => code),
      ['StoreUnavailable'],
    );
    assert.match(kept.faults[0]?.message ?? '', /timeout/);
  });

  it('is given up by whoever is told to end before the store answered, without a fault', async () => {
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
    const keeping = keepCertificate({ store, publisher: cluster.publisher, names, signal: ending.signal });
    await asked.promise;
    ending.abort();
    await using kept = await keeping;
    assert.deepEqual([kept.current, kept.faults], [undefined, []]);
  });

  it('is looked at no more by whoever is told to end, and is served on', async () => {
    const cluster = createMemoryCluster();
    const ending = new AbortController();
    await using kept = await keep(cluster, { signal: ending.signal });
    const { current } = kept;
    assert.ok(current);
    ending.abort();
    const requests: string[] = [];
    cluster.onRequest = (request) => void requests.push(request);
    cluster.edit(undefined);
    // Four times what passes between two looks.
    await sleep(200);
    assert.deepEqual([kept.current, kept.faults, requests], [current, [], []]);
  });

  it('ends in the middle of a look, and tells nobody of that', async () => {
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

  it('refuses settings that cannot work', async () => {
    await assert.rejects(keep(createMemoryCluster(), { settings: { lifetimeMs: 1 } }), RangeError);
  });
});
