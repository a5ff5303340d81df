// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { until } from '../../../test/process/until.ts';
import type { NodeStateStatus } from './build-node-state.ts';
import type { NodeStateWriter } from './node-state-writer.ts';
import { type ReporterTimings, reportNodeState, spreadMs } from './report-node-state.ts';

const status = (pluginVersion: string): NodeStateStatus => ({ pluginVersion });
const quick = { coalesceMs: 5, pauseMs: 5 };

/** Starts a reporter. Its writer fails while a failure is set. */
function start(timings: Partial<ReporterTimings> = quick) {
  const writes: { version: string | undefined; thorough: boolean }[] = [];
  const reported: (string | undefined)[] = [];
  let failure: string | undefined;
  const writer: NodeStateWriter = {
    async write({ pluginVersion }, { thorough }) {
      writes.push({ version: pluginVersion, thorough });
      if (failure !== undefined) throw new Error(failure);
    },
  };
  const reporter = reportNodeState({ writer, timings, onState: (error) => reported.push(error?.message) });
  return {
    reporter,
    writes,
    reported,
    versions: () => writes.map(({ version }) => version).join(),
    fail: (reason: string | undefined) => {
      failure = reason;
    },
    [Symbol.asyncDispose]: () => reporter[Symbol.asyncDispose](),
  };
}

describe('the reports of a node', () => {
  it('are written once if they differ from the last one', async () => {
    await using started = start();
    const { reporter, versions } = started;
    reporter.report(status('a'));
    await until(
      async () => versions(),
      (seen) => seen === 'a',
    );
    reporter.report(status('a'));
    reporter.report(status('b'));
    await until(
      async () => versions(),
      (seen) => seen === 'a,b',
    );
    reporter.report(status('b'));
    reporter.report(status('c'));
    await until(
      async () => versions(),
      (seen) => seen.endsWith('c'),
    );
    assert.equal(versions(), 'a,b,c');
  });

  it('that arrive in a burst cause one write, of the last one', async () => {
    await using started = start({ coalesceMs: 50, pauseMs: 5 });
    for (const version of 'abcdefgh') started.reporter.report(status(version));
    await until(
      async () => started.versions(),
      (seen) => seen !== '',
    );
    assert.equal(started.versions(), 'h');
  });

  it('of an edit are delayed by `spreadMs`, and changes during the delay are part of the same write', async () => {
    const steps: string[] = [];
    const reporter = reportNodeState({
      writer: { write: async ({ pluginVersion }) => void steps.push(`write ${pluginVersion}`) },
      onState: () => undefined,
      timings: { coalesceMs: 100, pauseMs: 1_000 },
      pause: async (ms) => {
        steps.push(`${ms} ms`);
        if (steps.length === 1) reporter.report(status('a link went'));
      },
    });
    const untilSteps = (count: number) =>
      until(
        async () => steps.length,
        (length) => length === count,
      );
    reporter.report(status('edited'), { spreadMs: 4_000 });
    await untilSteps(3);
    reporter.report(status('a link came'));
    await untilSteps(6);
    // This report equals the previous one.
    reporter.report(status('a link came'), { spreadMs: 4_000 });
    reporter.report(status('another came'));
    reporter.report(status('edited again'), { spreadMs: 4_000 });
    await untilSteps(9);
    await reporter[Symbol.asyncDispose]();
    const written = (what: string, ms = 100) => [`${ms} ms`, `write ${what}`, '1000 ms'];
    const expected = [...written('a link went', 4_100), ...written('a link came'), ...written('edited again')];
    assert.deepEqual(steps.slice(0, 9), expected);
  });

  it('that never stop are written with a pause after each write', async () => {
    const steps: string[] = [];
    let count = 0;
    const report = () => {
      count += 1;
      reporter.report(status(String(count)));
    };
    const reporter = reportNodeState({
      writer: {
        write: async () => {
          steps.push('write');
        },
      },
      onState: () => undefined,
      timings: { coalesceMs: 100, pauseMs: 1_000 },
      // Simulates a link that flaps during every wait.
      pause: async (ms) => {
        steps.push(`${ms} ms`);
        if (count < 3) report();
      },
    });
    report();
    await until(
      async () => steps.length,
      (length) => length >= 6,
    );
    await reporter[Symbol.asyncDispose]();
    assert.deepEqual(steps.slice(0, 6), ['100 ms', 'write', '1000 ms', '100 ms', 'write', '1000 ms']);
  });

  it('are retried after a failure, only the newest one; the problem and its end are reported once', async () => {
    await using started = start();
    const { reporter, writes, reported, fail } = started;
    fail('disk full');
    reporter.report(status('a'));
    await until(
      async () => writes.length,
      (count) => count >= 2,
    );
    reporter.report(status('b'));
    await until(
      async () => writes.at(-1)?.version,
      (version) => version === 'b',
    );
    assert.deepEqual(reported, ['disk full']);
    fail(undefined);
    await until(
      async () => reported.length,
      (count) => count === 2,
    );
    assert.deepEqual(reported, ['disk full', undefined]);
    assert.equal(writes.at(-1)?.version, 'b');
    assert.ok(
      writes.every(({ thorough }) => thorough),
      'the effect of a failed write is unknown',
    );
    reporter.report(status('c'));
    await until(
      async () => writes.at(-1),
      (last) => last?.version === 'c',
    );
    assert.equal(writes.at(-1)?.thorough, false);
  });

  it('are written again thoroughly after `refresh`, and from time to time', async () => {
    await using started = start({ ...quick, refreshMs: 30 });
    started.reporter.report(status('a'));
    await until(
      async () => started.writes.length,
      (count) => count >= 3,
    );
    assert.ok(started.writes.every(({ version, thorough }) => version === 'a' && thorough));

    await using asked = start();
    asked.reporter.refresh();
    asked.reporter.report(status('a'));
    await until(
      async () => asked.writes.length,
      (count) => count === 1,
    );
    asked.reporter.refresh();
    await until(
      async () => asked.writes.length,
      (count) => count === 2,
    );
    assert.equal(asked.writes[1]?.thorough, true);
  });

  it('end with their scope, even during a write', async () => {
    const entered = Promise.withResolvers<void>();
    const writer: NodeStateWriter = {
      write: (_, { signal }) => {
        entered.resolve();
        const { promise, reject } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => reject(signal.reason));
        return promise;
      },
    };
    const reported: unknown[] = [];
    const reporter = reportNodeState({ writer, timings: quick, onState: (error) => reported.push(error) });
    reporter.report(status('a'));
    await entered.promise;
    await reporter[Symbol.asyncDispose]();
    assert.deepEqual(reported, []);
  });
});

const names = Array.from({ length: 5_000 }, (_, index) => `worker-${index}`);

test('the nodes of a large cluster write at about a thousand a second, within five seconds', () => {
  const seconds = new Map<number, number>();
  for (const name of names) {
    const ms = spreadMs(name, names.length);
    assert.ok(ms >= 0 && ms < 5_000, `${name}: ${ms}`);
    seconds.set(Math.floor(ms / 1_000), (seconds.get(Math.floor(ms / 1_000)) ?? 0) + 1);
  }
  assert.deepEqual([...seconds.keys()].toSorted(), [0, 1, 2, 3, 4]);
  for (const [second, count] of seconds) assert.ok(count > 850 && count < 1_150, `second ${second}: ${count}`);
});

test('a node has a fixed delay: below half a second for few or unknown nodes, and below five seconds otherwise', () => {
  const share = spreadMs('worker-1', 1_000) / 1_000;
  for (const nodes of [undefined, 0, 3, 500]) assert.equal(spreadMs('worker-1', nodes), share * 500);
  assert.equal(spreadMs('worker-1', 2_000), share * 2_000);
  assert.equal(spreadMs('worker-1', 1_000_000), share * 5_000);
  assert.notEqual(spreadMs('worker-2'), spreadMs('worker-1'));
});
