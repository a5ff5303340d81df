// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterEvent } from '../../cluster/report/events/cluster-event.ts';
import { emptySnapshot, type Snapshot } from '../../cluster/source.ts';
import { createOffersIndex } from '../../policy/offers/offers-index.ts';
import { nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { until } from '../../test/process/until.ts';
import type { Validity } from '../tls/follow-certificate.ts';
import { emitPersistentConditions } from './leader-tasks.ts';

const annotations = { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/nowhere' };
const unoffered: Snapshot = {
  ...emptySnapshot,
  networks: new Map([['vms/blue', { metadata: { namespace: 'vms', name: 'blue', annotations } }]]),
};

/** Starts the task with a source that the test controls. Each wait advances the clock. */
function start({ synced = true, offered = createOffersIndex().update(emptySnapshot) } = {}) {
  const recorded: ClusterEvent[] = [];
  const term = new AbortController();
  const state = { snapshot: unoffered, synced, looks: 0, nowMs: 0 };
  let listener: (() => void) | undefined;
  const source = {
    get snapshot() {
      state.looks += 1;
      return state.snapshot;
    },
    get synced() {
      return state.synced;
    },
    onChange(next: () => void) {
      listener = next;
      return {
        [Symbol.dispose]: () => {
          listener = undefined;
        },
      };
    },
  };
  const expiry: { overdue: Validity | undefined; listener: (() => void) | undefined } = {
    overdue: undefined,
    listener: undefined,
  };
  const offers = {
    current: offered,
    isSound: true,
    leftOut: new Map<string, string>(),
    listener: undefined as (() => void) | undefined,
    onChange(next: () => void) {
      offers.listener = next;
      return {
        [Symbol.dispose]: () => {
          offers.listener = undefined;
        },
      };
    },
  };
  const running = emitPersistentConditions(
    {
      source,
      offers,
      recorder: { record: (event) => recorded.push(event) },
      expiry: {
        get overdue() {
          return expiry.overdue;
        },
        onChange(next) {
          expiry.listener = next;
          return {
            [Symbol.dispose]: () => {
              expiry.listener = undefined;
            },
          };
        },
      },
      service: { namespace: 'macvtap-cni', name: 'kube-macvtap-webhook' },
      settleMs: 10_000,
      now: () => state.nowMs,
      pause: async (ms) => {
        state.nowMs += ms;
      },
    },
    term.signal,
  );
  return {
    recorded,
    state,
    offers,
    expiry,
    term,
    running,
    change: () => listener?.(),
    isListening: () => listener !== undefined,
  };
}

describe('a persistent condition', () => {
  it('is reported once while the source keeps changing, and the task ends with its term as leader', async () => {
    const { recorded, state, term, running, change, isListening } = start();
    await until(
      async () => recorded.length,
      (length) => length === 1,
    );
    assert.equal(state.nowMs, 10_000);
    const { looks } = state;
    change();
    await until(
      async () => state.looks,
      (now) => now > looks,
    );
    assert.deepEqual(
      recorded.map(({ reason }) => reason),
      ['ResourceNotOffered'],
    );
    term.abort();
    await running;
    assert.equal(isListening(), false);
  });

  it('includes a node whose report is left out', async () => {
    const { recorded, state, offers, term, running, change } = start();
    state.snapshot = { ...unoffered, nodes: new Map([['evil', { name: 'evil', labels: {} }]]) };
    offers.leftOut.set('evil', 'status.interfaces: 4096, and at most 1000 are read');
    change();
    await until(
      async () => recorded.map(({ reason, regarding }) => `${reason} ${regarding.name}`),
      (told) => told.includes('NodeStateLeftOut evil'),
    );
    term.abort();
    await running;
  });

  it('includes a certificate that was not renewed, which no object of the cluster shows', async () => {
    const { recorded, expiry, term, running } = start();
    const reasons = () => recorded.map(({ reason }) => reason);
    await until(
      async () => reasons(),
      (told) => told.length === 1,
    );
    expiry.overdue = { startsMs: 0, expiresMs: 1 };
    expiry.listener?.();
    await until(
      async () => reasons(),
      (told) => told.length === 2,
    );
    assert.deepEqual(reasons(), ['ResourceNotOffered', 'CertificateNotRenewed']);
    term.abort();
    await running;
    assert.equal(expiry.listener, undefined);
  });

  it('includes a resource without an offer after the offers, which follow the source later, have changed', async () => {
    const states = { h1: nodeState([reported('nowhere', 'bond1', { source: 'implicit' })], [{ name: 'bond1' }]) };
    const { recorded, offers, state, term, running, change } = start({ offered: offersOf({ states }) });
    change();
    await until(
      async () => state.looks,
      (looks) => looks > 1,
    );
    assert.equal(recorded.length, 0, 'the resource is still offered');
    offers.current = createOffersIndex().update(emptySnapshot);
    offers.listener?.();
    await until(
      async () => recorded.map(({ reason }) => reason),
      (told) => told.includes('ResourceNotOffered'),
    );
    term.abort();
    await running;
    assert.equal(offers.listener, undefined);
  });

  it('is not reported before the first sync of the source', async () => {
    const { recorded, state, term, running, change } = start({ synced: false });
    change();
    await until(
      async () => state.nowMs,
      (nowMs) => nowMs > 0,
    );
    assert.deepEqual([recorded, state.looks], [[], 0]);
    state.synced = true;
    change();
    await until(
      async () => recorded.length,
      (length) => length === 1,
    );
    term.abort();
    await running;
  });
});
