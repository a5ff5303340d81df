// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPairInventor, inventPair, jsonCodec } from '../test/fixtures/certs/invented-pair.ts';
import { createMemoryCluster, type MemoryCluster } from '../test/fixtures/certs/memory-cluster.ts';
import type { CertificateState } from './certificate-state.ts';
import { type CertificateEvent, createRenewalController, type RenewalController } from './renewal-controller.ts';

const settings = { lifetimeMs: 9_000, renewBeforeMs: 3_000, overlapMs: 100 };
const { signal } = new AbortController();

/** Creates a cluster with a clock, and a function that starts replicas in it. */
function createScene() {
  const cluster = createMemoryCluster();
  const makePair = createPairInventor();
  const scene = {
    cluster,
    nowMs: 1_000_000,
    events: [] as string[],
    failToMake: false,
    replica(names: readonly string[] = ['webhook']): RenewalController {
      return createRenewalController({
        store: cluster.store,
        publisher: cluster.publisher,
        names,
        settings,
        clock: { wallMs: () => scene.nowMs, steadyMs: () => scene.nowMs },
        makePair: (request) => (scene.failToMake ? Promise.reject(new Error('no entropy')) : makePair(request)),
        codec: jsonCodec,
        onEvent: ({ what, pair }: CertificateEvent) => scene.events.push(`${what} ${pair?.serial}`),
      });
    },
  };
  return scene;
}

/** Runs checks until there is nothing left to do. Fails if that never happens. */
async function settle(...keepers: readonly RenewalController[]): Promise<void> {
  for (let looks = 0; looks < 30; looks += 1) {
    const types = [];
    for (const keeper of keepers) types.push((await keeper.look(signal)).type);
    if (types.every((type) => type === 'settled')) return;
  }
  assert.fail('the replicas never come to rest');
}

const stateIn = ({ stored }: MemoryCluster): CertificateState => JSON.parse(stored?.data.json ?? '{}');
const codes = (keeper: RenewalController) => keeper.problems.map(({ code }) => code);
const messages = (keeper: RenewalController) => keeper.problems.map(({ message }) => message);

describe('a replica', () => {
  it('makes, serves and publishes the first certificate, and then waits until the renewal is due', async () => {
    const { cluster, replica, events } = createScene();
    const keeper = replica();
    await settle(keeper);
    assert.deepEqual(events, ['create 1', 'serve 1', 'publish 1']);
    assert.equal(cluster.bundle, keeper.served?.authority.pem);
    assert.deepEqual(await keeper.look(signal), { type: 'settled', waitMs: 6_000 });
  });

  it('uses the certificate of the first one if many replicas start at once', async () => {
    const { replica, events } = createScene();
    const keepers = Array.from({ length: 5 }, () => replica());
    await Promise.all(keepers.map((keeper) => keeper.look(signal)));
    await settle(...keepers);
    assert.deepEqual(
      keepers.map(({ served }) => served?.serial),
      Array(5).fill(events[0]?.split(' ')[1]),
    );
    assert.equal(events.filter((event) => event.startsWith('create')).length, 1);
  });

  it('fills an existing, empty Secret', async () => {
    const { cluster, replica } = createScene();
    cluster.edit({});
    const keeper = replica();
    await settle(keeper);
    assert.equal(stateIn(cluster).current?.serial, keeper.served?.serial);
  });

  it('continues to serve while the store is unavailable, and reports it', async () => {
    const { cluster, replica } = createScene();
    const keeper = replica();
    await settle(keeper);
    cluster.onRequest = () => Promise.reject(new Error('connection refused'));
    assert.deepEqual(await keeper.look(signal), { type: 'failed' });
    assert.equal(keeper.served?.serial, '1');
    assert.deepEqual(codes(keeper), ['BundleNotPublished', 'StoreUnavailable']);
    cluster.onRequest = () => undefined;
    await settle(keeper);
    assert.deepEqual(keeper.problems, []);
  });

  it('serves the first certificate even if it cannot be published yet, and publishes it later', async () => {
    const { cluster, replica } = createScene();
    cluster.onRequest = (request) => {
      if (request === 'write bundle') throw new Error('forbidden');
    };
    const keeper = replica();
    for (let looks = 0; looks < 3; looks += 1) assert.deepEqual(await keeper.look(signal), { type: 'failed' });
    assert.deepEqual([keeper.served?.serial, ...messages(keeper)], ['1', 'forbidden']);
    cluster.onRequest = () => undefined;
    await settle(keeper);
    assert.equal(cluster.bundle, keeper.served?.authority.pem);
  });

  it('reports that it cannot make a certificate', async () => {
    const scene = createScene();
    scene.failToMake = true;
    const keeper = scene.replica();
    assert.deepEqual(await keeper.look(signal), { type: 'failed' });
    assert.deepEqual(keeper.problems, [{ code: 'CertificateNotMade', message: 'no entropy' }]);
    assert.equal(keeper.served, undefined);
  });

  it('does not switch while the bundle is unreadable or one of its places is missing', async () => {
    const scene = createScene();
    const { cluster, events } = scene;
    const keeper = scene.replica();
    await settle(keeper);
    scene.nowMs += 6_000;
    await settle(keeper);
    scene.nowMs += settings.overlapMs;
    cluster.onRequest = (request) => {
      if (request === 'read bundle') throw new Error('timeout');
    };
    await keeper.look(signal);
    cluster.onRequest = () => undefined;
    cluster.problems = ['MutatingWebhookConfiguration x: 404'];
    assert.deepEqual(await keeper.look(signal), { type: 'settled', waitMs: settings.overlapMs });
    assert.deepEqual(keeper.problems, [{ code: 'BundleNotPublished', message: 'MutatingWebhookConfiguration x: 404' }]);
    assert.equal(keeper.served?.serial, '1');
    cluster.problems = [];
    await settle(keeper);
    assert.equal(keeper.served?.serial, '2');
    assert.deepEqual(events.slice(-2), ['switch 2', 'serve 2']);
  });

  it('publishes the bundle again after a person or Helm removed it', async () => {
    const { cluster, replica } = createScene();
    const keeper = replica();
    await settle(keeper);
    for (const bundle of ['', 'garbage', `${cluster.bundle}CA foreign`]) {
      cluster.publish(bundle);
      await settle(keeper);
      assert.equal(cluster.bundle, keeper.served?.authority.pem);
    }
  });

  it('does not overwrite a bundle that another replica published in the meantime', async () => {
    const scene = createScene();
    const { cluster } = scene;
    const [slow, quick] = [scene.replica(), scene.replica()];
    await settle(slow, quick);
    cluster.publish('');
    // The slow replica has read the store and the bundle, and is about to publish. Just before it does, the quick
    // replica completes all of its steps.
    cluster.onRequest = async (request) => {
      if (request !== 'write bundle') return;
      cluster.onRequest = () => undefined;
      scene.nowMs += 6_000;
      await settle(quick);
    };
    assert.deepEqual(await slow.look(signal), { type: 'again' });
    const { current, next } = stateIn(cluster);
    assert.equal(cluster.bundle, `${current?.authority.pem}${next?.authority.pem}`);
  });

  it('restarts the overlap when another writer changes the bundle', async () => {
    const scene = createScene();
    const keeper = scene.replica();
    await settle(keeper);
    scene.nowMs += 6_000;
    await settle(keeper);
    scene.nowMs += settings.overlapMs - 1;
    const both = scene.cluster.bundle;
    scene.cluster.publish('');
    scene.cluster.publish(both);
    await settle(keeper);
    scene.nowMs += 1;
    await settle(keeper);
    assert.equal(keeper.served?.serial, '1');
    scene.nowMs += settings.overlapMs - 1;
    await settle(keeper);
    assert.equal(keeper.served?.serial, '2');
  });

  it('that starts while the Secret is broken keeps the CA of replicas that continue to serve', async () => {
    const { cluster, replica } = createScene();
    const old = replica();
    await settle(old);
    cluster.edit({ json: 'half a' });
    const fresh = replica();
    await fresh.look(signal);
    assert.deepEqual([old.served?.serial, fresh.served?.serial], ['1', '2']);
    assert.deepEqual(codes(fresh), ['StateBroken']);
    assert.ok(cluster.bundle.includes(old.served?.authority.pem ?? '-'));
    assert.ok(cluster.bundle.includes(fresh.served?.authority.pem ?? '-'));
    await settle(old, fresh);
    assert.deepEqual([...old.problems, ...fresh.problems], []);
  });

  it('restores a deleted Secret and rotates, only once for several deletions', async () => {
    const scene = createScene();
    const { cluster, events } = scene;
    const [one, other] = [scene.replica(), scene.replica()];
    await settle(one, other);
    for (let deletions = 0; deletions < 3; deletions += 1) {
      cluster.edit(undefined);
      await settle(one, other);
    }
    assert.equal(stateIn(cluster).current?.serial, '1');
    assert.equal(stateIn(cluster).next?.serial, '2');
    scene.nowMs += settings.overlapMs;
    await settle(one, other);
    assert.deepEqual([one.served?.serial, other.served?.serial], ['2', '2']);
    assert.equal(events.filter((event) => event.startsWith('restore')).length, 3);
  });

  it('restores the served certificate if a person restores an old Secret', async () => {
    const scene = createScene();
    const { cluster } = scene;
    const keeper = scene.replica();
    await settle(keeper);
    const backup = cluster.stored?.data;
    scene.nowMs += 6_000;
    await settle(keeper);
    scene.nowMs += settings.overlapMs;
    await settle(keeper);
    cluster.edit(backup);
    await settle(keeper);
    assert.deepEqual([stateIn(cluster).current?.serial, keeper.served?.serial], ['2', '2']);
  });

  it('serves the pair of another writer only after its CA was published for the overlap', async () => {
    const scene = createScene();
    const { cluster } = scene;
    const keeper = scene.replica();
    await settle(keeper);
    const theirs = inventPair('theirs', { notAfterMs: scene.nowMs + 9_000 });
    cluster.edit(jsonCodec.encodeState({ current: theirs, older: [] }));
    await settle(keeper);
    assert.equal(keeper.served?.serial, '1');
    assert.equal(cluster.bundle, `${inventPair('1', { notAfterMs: 1_009_000 }).authority.pem}${theirs.authority.pem}`);
    scene.nowMs += settings.overlapMs;
    await settle(keeper);
    assert.equal(keeper.served?.serial, 'theirs');
  });

  it('settles on one certificate for both if another replica wants other names', async () => {
    const scene = createScene();
    const [old, fresh] = [scene.replica(['a', 'b']), scene.replica(['b', 'c'])];
    await settle(old);
    await settle(old, fresh);
    scene.nowMs += settings.overlapMs;
    await settle(old, fresh);
    assert.equal(old.served?.serial, fresh.served?.serial);
    assert.deepEqual(fresh.served?.names.toSorted(), ['a', 'b', 'c']);
    for (let rotations = 0; rotations < 3; rotations += 1) {
      scene.nowMs += 6_000;
      await settle(old, fresh);
      scene.nowMs += settings.overlapMs;
      await settle(old, fresh);
      assert.deepEqual(fresh.served?.names.toSorted(), ['a', 'b', 'c']);
    }
  });

  it('immediately replaces a certificate that expired before its start', async () => {
    const scene = createScene();
    await settle(scene.replica());
    scene.nowMs += 9_001;
    const keeper = scene.replica();
    await settle(keeper);
    assert.equal(keeper.served?.serial, '2');
    assert.equal(scene.cluster.bundle, keeper.served?.authority.pem);
  });

  it('serves its certificate until and after its expiry if renewal is impossible', async () => {
    const scene = createScene();
    const keeper = scene.replica();
    await settle(keeper);
    scene.cluster.onRequest = () => Promise.reject(new Error('away'));
    scene.nowMs += 20_000;
    await keeper.look(signal);
    assert.equal(keeper.served?.serial, '1');
    scene.cluster.onRequest = () => undefined;
    await settle(keeper);
    assert.equal(keeper.served?.serial, '2');
  });
});
