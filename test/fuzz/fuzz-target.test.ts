// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FuzzResult, fuzzTarget } from './fuzz-target.ts';
import type { Target } from './target.ts';

/**
 * Fuzzes a target with 3,000 inputs. The coverage never finds new code, and counts `stepsPerLook` steps for each input.
 */
function play(run: Target['run'], more: Partial<Target> = {}, stepsPerLook = 0): Promise<FuzzResult> {
  const coverage = {
    look: () => ({ steps: stepsPerLook, fresh: 0 }),
    covered: 0,
    [Symbol.dispose]: () => {},
  };
  const target: Target = { name: 'none', invariant: '', shape: 'text', seeds: ['good 12'], run, ...more };
  let isOver = false;
  let runs = 0;
  const onInput = () => {
    runs += 1;
    isOver ||= runs > 3_000;
  };
  const options = { target, coverage, seed: 1, onInput, isOver: () => isOver };
  return fuzzTarget(options);
}

describe('fuzzing a target', () => {
  it('reports an error once, with the smallest input that causes it', async () => {
    const { failures } = await play((input) => {
      if (Buffer.from(input).includes('g')) return;
      throw new Error('no g');
    });
    assert.deepEqual(
      failures.map(({ input }) => Buffer.from(input).toString()),
      [''],
    );
  });

  it('reports an input that adds a key to a built-in prototype', async () => {
    const { failures } = await play(() => {
      Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true });
    });
    Reflect.deleteProperty(Object.prototype, 'polluted');
    assert.match(failures[0]?.error ?? '', /a built-in prototype was changed/);
  });

  it('reports an input that takes more steps than its length allows', async () => {
    const { failures } = await play(() => {}, {}, 100_000);
    assert.match(failures[0]?.error ?? '', /bytes took 100000 steps/);
  });

  it('changes JSON so that most of it still parses', async () => {
    let [whole, all] = [0, 0];
    await play(
      (input) => {
        all += 1;
        try {
          JSON.parse(Buffer.from(input).toString());
          whole += 1;
        } catch {}
      },
      { shape: 'json', seeds: ['{"a":[1,{"b":"c"}]}'] },
    );
    assert.ok(whole > all / 2, `${whole} of ${all}`);
  });

  it('generates the same inputs from the same seed', async () => {
    const record = async () => {
      const inputs: string[] = [];
      await play((input) => void inputs.push(Buffer.from(input).toString('hex')));
      return inputs;
    };
    assert.deepEqual(await record(), await record());
  });
});
