// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginStep, type CNIStep, timeStep } from './time-step.ts';

test('a step is told once it ended, also by a failure, and its result goes on', async () => {
  const told: CNIStep[] = [];
  const context = { onStep: (step: CNIStep) => void told.push(step) };
  assert.equal(await timeStep('create', context, async () => 7), 7);
  await assert.rejects(
    timeStep('own', context, () => Promise.reject(new Error('x'))),
    /x/,
  );
  assert.deepEqual(told, ['create', 'own']);
  assert.equal(await timeStep('create', {}, async () => 7), 7);
});

test('a step that is begun is told when it is ended first', () => {
  const told: CNIStep[] = [];
  const end = beginStep('wait', { onStep: (step) => void told.push(step) });
  assert.deepEqual(told, []);
  end();
  end();
  assert.deepEqual(told, ['wait']);
});
