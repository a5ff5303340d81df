// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/process/until.ts';
import type { NodeStateStatus } from './build-node-state.ts';
import { type NodeStateWriter, type ReporterTimings, reportNodeState } from './report-node-state.ts';

const status = (pluginVersion: string): NodeStateStatus => ({ pluginVersion });
const quick = { coalesceMs: 5, pauseMs: 5 };

/** A reporter whose writer fails while there is a reason to. */
function start(timings: Partial<ReporterTimings> = quick) {
  const writes: { version: string | undefined; thorough: boolean }[] = [];
  const told: (string | undefined)[] = [];
  let failure: string | undefined;
  const writer: NodeStateWriter = {
    async write({ pluginVersion }, { thorough }) {
      writes.push({ version: pluginVersion, thorough });
      if (failure !== undefined) throw new Error(failure);
    },
  };
  const reporter = reportNodeState({ writer, timings, onState: (error) => told.push(error?.message) });
  return {
    reporter,
    writes,
    told,
    versions: () => writes.map(({ version }) => version).join(),
    fail: (reason: string | undefined) => {
      failure = reason;
    },
    [Symbol.asyncDispose]: () => reporter[Symbol.asyncDispose](),
  };
}

describe('the reports of a node', () => {
  it('are written when they differ, each once', async () => {
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

  it('that come in a burst are one writing, of the last', async () => {
    await using started = start({ coalesceMs: 50, pauseMs: 5 });
    for (const version of 'abcdefgh') started.reporter.report(status(version));
    await until(
      async () => started.versions(),
      (seen) => seen !== '',
    );
    assert.equal(started.versions(), 'h');
  });

  it('of an edit wait for the place of their node, and what changes meanwhile is written with them', async () => {
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
    // Nothing of it is new.
    reporter.report(status('a link came'), { spreadMs: 4_000 });
    reporter.report(status('another came'));
    reporter.report(status('edited again'), { spreadMs: 4_000 });
    await untilSteps(9);
    await reporter[Symbol.asyncDispose]();
    const written = (what: string, ms = 100) => [`${ms} ms`, `write ${what}`, '1000 ms'];
    const expected = [...written('a link went', 4_100), ...written('a link came'), ...written('edited again')];
    assert.deepEqual(steps.slice(0, 9), expected);
  });

  it('that never end are written with a pause after each writing', async () => {
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
      // A link flaps all the while that is waited.
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

  it('are tried again while they fail, the newest only; the trouble is told once, and its end', async () => {
    await using started = start();
    const { reporter, writes, told, fail } = started;
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
    assert.deepEqual(told, ['disk full']);
    fail(undefined);
    await until(
      async () => told.length,
      (count) => count === 2,
    );
    assert.deepEqual(told, ['disk full', undefined]);
    assert.equal(writes.at(-1)?.version, 'b');
    assert.ok(
      writes.every(({ thorough }) => thorough),
      'nobody knows how far a failed writing came',
    );
    reporter.report(status('c'));
    await until(
      async () => writes.at(-1),
      (last) => last?.version === 'c',
    );
    assert.equal(writes.at(-1)?.thorough, false);
  });

  it('are written again, thoroughly, when that is asked for and from time to time', async () => {
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

  it('end with their scope, even in the middle of a writing', async () => {
    const entered = Promise.withResolvers<void>();
    const writer: NodeStateWriter = {
      write: (_, { signal }) => {
        entered.resolve();
        const { promise, reject } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => reject(signal.reason));
        return promise;
      },
    };
    const told: unknown[] = [];
    const reporter = reportNodeState({ writer, timings: quick, onState: (error) => told.push(error) });
    reporter.report(status('a'));
    await entered.promise;
    await reporter[Symbol.asyncDispose]();
    assert.deepEqual(told, []);
  });
});
