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
  it('validates when it did before, and means what it meant', () => {
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

  it('has nothing but strings as values, and nothing left to the reader', () => {
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

  it('of whatever object is made by edits that apply, and a second pass makes none', () => {
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
