// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterEvent } from '../cluster/report/events/cluster-event.ts';
import { emptySnapshot, type Snapshot } from '../cluster/snapshot.ts';
import { createOffersIndex } from '../policy/offers/offers-index.ts';
import { until } from '../test/process/until.ts';
import { tellStandingEvents } from './tell-standing-events.ts';

const annotations = { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/nowhere' };
const unoffered: Snapshot = {
  ...emptySnapshot,
  networks: new Map([['vms/blue', { metadata: { namespace: 'vms', name: 'blue', annotations } }]]),
};

/** A duty over a source that says what a test wants, on a clock that waiting moves. */
function start({ synced = true } = {}) {
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
  const running = tellStandingEvents(
    {
      source,
      offers: { current: createOffersIndex().update(emptySnapshot) },
      recorder: { record: (event) => recorded.push(event) },
      settleMs: 10_000,
      now: () => state.nowMs,
      pause: async (ms) => {
        state.nowMs += ms;
      },
    },
    term.signal,
  );
  return { recorded, state, term, running, change: () => listener?.(), isListening: () => listener !== undefined };
}

describe('what the state of the cluster gives reason for', () => {
  it('is told once, though the source goes on changing, and the duty ends with its term', async () => {
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

  it('is not told of a source that has not read everything yet', async () => {
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
