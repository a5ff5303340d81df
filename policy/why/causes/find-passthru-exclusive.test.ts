// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyFacts } from '../../../test/fixtures/why/build-facts.ts';
import { cases, onH1, p } from '../../../test/fixtures/why/cases.ts';
import { createScope } from '../create-scope.ts';
import { findPassthruExclusive } from './find-passthru-exclusive.ts';

test('a resource that lost its parent does not hide one that waits for existing devices', () => {
  const lost = cases.find(({ rule }) => rule === 'find-passthru-exclusive')?.broken;
  assert.ok(lost !== undefined);
  const policy = 'macvtap-cni/p';
  const { nodeStates } = whyFacts(onH1({ policy, health: 'Unhealthy', code: 'PassthruExclusive', held: 1 }));
  const facts = { ...lost, nodeStates };
  const scope = createScope(p, facts);
  assert.ok(scope !== undefined);
  assert.deepEqual(
    findPassthruExclusive(scope, facts).map(({ detail }) => / waits for /.test(detail)),
    [false, true],
  );
});
