// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsonpatch from 'jsonpatch';
import { schemaFaults } from '../../cluster/objects/schema-faults.ts';
import { anyObject, soundPolicy } from '../../test/fixtures/plan/arbitrary-policy.ts';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { defaultPolicy } from './default-policy.ts';
import { readAnyPolicy } from './read-policy.ts';
import type { PolicyObject } from './rule.ts';
import { reviewPolicy } from './rules.ts';

const context = { policyNamespace };
const runs = { numRuns: 1_000 };

describe('a policy with its defaults written out', () => {
  it('is valid if it was valid before, and has the same meaning', () => {
    fc.assert(
      fc.property(soundPolicy, (policy) => {
        const full = mutate(policy);
        assert.deepEqual(schemaFaults('MacvtapNetworkNodePolicy', full), []);
        assert.deepEqual(reviewPolicy(full as PolicyObject, context), []);
        assert.equal(JSON.stringify(readAnyPolicy(full, context)), JSON.stringify(readAnyPolicy(policy, context)));
      }),
      runs,
    );
  });

  it('has only strings as selector values, and no missing defaults', () => {
    fc.assert(
      fc.property(soundPolicy, (policy) => {
        const { spec } = mutate(policy) as PolicyObject;
        for (const { matchLabels = {}, matchExpressions = [] } of [
          spec.nodeSelector ?? {},
          spec.namespaceSelector ?? {},
        ]) {
          const values = [...Object.values(matchLabels), ...matchExpressions.flatMap((one) => one.values ?? [])];
          assert.ok(values.every((value) => typeof value === 'string'));
        }
        assert.notEqual(spec.priority, undefined);
        for (const { mode, quantity, excludeTopology, needVhostNet, allowHostInterface } of spec.parentSelector) {
          assert.ok(![mode, quantity, excludeTopology, needVhostNet, allowHostInterface].includes(undefined));
        }
      }),
      runs,
    );
  });

  it('results from edits that can be applied to any object; a second pass returns no edits', () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        const before = JSON.stringify(object);
        const { edits, verdicts } = defaultPolicy(object);
        assert.equal(JSON.stringify(object), before);
        assert.deepEqual(verdicts, []);
        if (edits.length > 0) assert.deepEqual(defaultPolicy(mutate(object)).edits, []);
      }),
      runs,
    );
  });
});

function mutate(object: unknown): unknown {
  return jsonpatch.apply_patch(object as never, [...defaultPolicy(object).edits] as never);
}
