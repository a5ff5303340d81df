// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginStep, timeStep } from './time-step.ts';

function keepSteps() {
  const told: string[] = [];
  const onStep = (step: string, outcome: string, durationMs: number) => {
    assert.ok(durationMs >= 0);
    told.push(`${step} ${outcome}`);
  };
  return { told, stepping: { onStep } };
}

test('a step is reported with its result when it ends, and its value is returned', async () => {
  const { told, stepping } = keepSteps();
  assert.equal(await timeStep('create', stepping, async () => 7), 7);
  await assert.rejects(
    timeStep('own', stepping, () => Promise.reject(new Error('x'))),
    /x/,
  );
  assert.deepEqual(told, ['create succeeded', 'own failed']);
  assert.equal(await timeStep('create', {}, async () => 7), 7);
});

test('a step is reported when it ends, and as failed if it is disposed first', () => {
  const { told, stepping } = keepSteps();
  {
    using wait = beginStep('wait', stepping);
    assert.deepEqual(told, []);
    wait.end();
    wait.end();
  }
  assert.deepEqual(told, ['wait succeeded']);
  {
    using _wait = beginStep('wait', stepping);
  }
  assert.deepEqual(told, ['wait succeeded', 'wait failed']);
});
