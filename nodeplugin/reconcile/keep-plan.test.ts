// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { keepPlan } from './keep-plan.ts';

const plan: NodePlan = { node: 'n', source: 'implicit', resources: [], skipped: [], conflicts: [] };

test('a plan is known from the first one on, also while no newer one can be made', () => {
  const kept = keepPlan();
  kept.setInForce(false);
  assert.deepEqual([kept.isKnown, kept.current], [false, undefined]);

  kept.made(plan);
  kept.setInForce(false);
  assert.deepEqual([kept.isKnown, kept.current?.plan, kept.current?.isInForce], [true, plan, false]);
  kept.setInForce(true);
  assert.equal(kept.current?.isInForce, true);

  const newer: NodePlan = { ...plan, source: 'policy' };
  kept.setInForce(false);
  kept.made(newer);
  assert.deepEqual([kept.current?.plan, kept.current?.isInForce], [newer, true]);
});
