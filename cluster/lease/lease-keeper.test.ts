// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/process/until.ts';
import { runForLease } from './lease-keeper.ts';
import type { LeaseRecord, LeaseStore } from './lease-store.ts';

/** Returns a Lease that several candidates share, stored as in an API server. */
function shareLease() {
  let record: LeaseRecord = { holder: undefined, durationMs: 0, transitions: 0 };
  let version = 1;
  let outage: Error | undefined;
  const listeners = new Set<() => void>();
  const store: LeaseStore = {
    async read() {
      if (outage !== undefined) throw outage;
      return { record, version: String(version) };
    },
    async write({ holder, durationMs, transitions }, expected) {
      if (outage !== undefined) throw outage;
      if (expected !== String(version)) return 'conflict';
      record = { holder, durationMs, transitions };
      version += 1;
      for (const listener of listeners) listener();
      return String(version);
    },
    watch(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  return {
    store,
    get record() {
      return record;
    },
    fail: (error: Error | undefined) => {
      outage = error;
    },
  };
}

/** Long enough that a process that is suspended for a while does not lose the Lease. */
const quick = { durationMs: 3_000, renewMs: 100 };

function candidate(store: LeaseStore, identity: string, timings = quick) {
  const reported: (boolean | string)[] = [];
  const ending = new AbortController();
  const keeper = runForLease({
    store,
    identity,
    timings,
    signal: ending.signal,
    onHolder: (isHolder) => reported.push(isHolder),
    onState: (error) => reported.push(error?.message ?? 'works'),
    onBug: (error) => reported.push(`bug: ${error.message}`),
  });
  return { keeper, reported, ending, [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose]() };
}

const untilTrue = (look: () => boolean) =>
  until(
    async () => look(),
    (is) => is,
  );

describe('a Lease', () => {
  it('is held by one candidate, and by the other as soon as the first one releases it', async () => {
    const lease = shareLease();
    await using second = await (async () => {
      // Long enough that the second candidate can get the Lease only because the first one released it.
      const slow = { durationMs: 3_600_000, renewMs: 1_000_000 };
      await using first = candidate(lease.store, 'first', slow);
      await untilTrue(() => first.keeper.isHolder);
      const other = candidate(lease.store, 'second', slow);
      await sleep(20);
      assert.equal(other.keeper.isHolder, false);
      first.ending.abort();
      await untilTrue(() => other.keeper.isHolder);
      assert.deepEqual(first.reported, [true, false]);
      return other;
    })();
    assert.deepEqual(lease.record, { holder: 'second', durationMs: 3_600_000, transitions: 2 });
    assert.deepEqual(second.reported, [true]);
  });

  it('goes to another candidate if its holder does not renew it, and the holder has stopped by then', async () => {
    const shared = shareLease();
    let isCut = false;
    const cut: LeaseStore = {
      ...shared.store,
      read: (signal) => (isCut ? Promise.reject(new Error('no way')) : shared.store.read(signal)),
    };
    await using first = candidate(cut, 'first');
    await untilTrue(() => first.keeper.isHolder);
    await using second = candidate(shared.store, 'second');
    second.keeper.whileHeld(async () => void first.reported.push(`the second begins beside ${first.keeper.isHolder}`));
    isCut = true;
    await untilTrue(() => second.keeper.isHolder);
    await untilTrue(() => first.reported.length === 4);
    assert.deepEqual(first.reported, [true, 'no way', false, 'the second begins beside false']);
  });

  it('is never held by two candidates, in any sequence of events', async () => {
    const { store } = shareLease();
    const holders = new Set<string>();
    let most = 0;
    const stand = async (identity: string, lastsMs: number) => {
      await using one = candidate(store, identity);
      one.keeper.whileHeld(async (signal) => {
        holders.add(identity);
        most = Math.max(most, holders.size);
        while (!signal.aborted) await sleep(1);
        holders.delete(identity);
      });
      await sleep(lastsMs);
    };
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([30, 60, 90, 120].map((ms) => stand(`${round}-${ms}`, ms)));
    }
    assert.equal(most, 1);
  });

  it('gives a duty a signal that aborts at the end of the term, and is released after the duty has ended', async () => {
    const lease = shareLease();
    const steps: string[] = [];
    {
      await using one = candidate(lease.store, 'one');
      one.keeper.whileHeld(async (signal) => {
        steps.push('begun');
        while (!signal.aborted) await sleep(1);
        await sleep(30);
        steps.push(`ended while it is ${lease.record.holder}'s`);
      });
      await untilTrue(() => steps.length === 1);
    }
    assert.deepEqual(steps, ['begun', "ended while it is one's"]);
    assert.equal(lease.record.holder, undefined);
  });

  it('is acquired again, and its duties restart, after an outage that was longer than its duration', async () => {
    const lease = shareLease();
    await using one = candidate(lease.store, 'one');
    let begun = 0;
    one.keeper.whileHeld(async () => {
      begun += 1;
    });
    await untilTrue(() => begun === 1);
    lease.fail(new Error('away'));
    await untilTrue(() => !one.keeper.isHolder);
    lease.fail(undefined);
    await untilTrue(() => begun === 2);
    assert.deepEqual(one.reported, [true, 'away', false, true, 'works']);
    assert.equal(lease.record.transitions, 1);
  });

  it('starts an added duty at once, and no removed duty', async () => {
    await using one = candidate(shareLease().store, 'one');
    await untilTrue(() => one.keeper.isHolder);
    const begun: string[] = [];
    let ended: AbortSignal | undefined;
    using late = one.keeper.whileHeld(async (signal) => {
      begun.push('late');
      ended = signal;
    });
    await untilTrue(() => begun.length === 1);
    late[Symbol.dispose]();
    assert.ok(ended?.aborted);
  });

  it('stays held if a duty fails, and the failure is reported as a bug', async () => {
    await using one = candidate(shareLease().store, 'one');
    one.keeper.whileHeld(() => Promise.reject(new Error('not so')));
    await untilTrue(() => one.reported.length === 2);
    assert.deepEqual(one.reported, [true, 'bug: not so']);
    assert.ok(one.keeper.isHolder);
  });
});
