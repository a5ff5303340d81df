// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Replica, rehearse, type Step, skewOf, type Tampering } from '../test/fixtures/certs/rehearsal.ts';
import { renewalSettings } from './certificate-state.ts';

const settings = renewalSettings({ lifetimeMs: 260_000, overlapMs: 600 });

const replica = fc.constantFrom<Replica>(0, 1);
const request = fc.nat(5);
const clockSet = (limitMs: number): fc.WeightedArbitrary<Step> => ({
  weight: 1,
  arbitrary: fc.record({
    kind: fc.constant('set clock'),
    replica,
    offsetMs: fc.integer({ min: -limitMs, max: limitMs }),
  }),
});
const how = fc.constantFrom<Tampering>('delete', 'empty', 'break', 'replace pair', 'roll back', 'wipe bundle');

/** Events that occur in every installation. */
const ordinary: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('look'), replica }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 2 * settings.overlapMs }) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('quiet') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('interleave'), replica, request }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('away'), replica, what: fc.constantFrom('store', 'bundle') }) },
];
const death: fc.WeightedArbitrary<Step> = {
  weight: 3,
  arbitrary: fc.record({ kind: fc.constant('die'), replica, request, hasArrived: fc.boolean() }),
};
const hands: fc.WeightedArbitrary<Step> = { weight: 2, arbitrary: fc.record({ kind: fc.constant('tamper'), how }) };

for (const [what, steps] of [
  ['replicas die at any step', [...ordinary, death, clockSet(settings.lifetimeMs)]],
  // Replicas do not die in the next case, because a replica that starts while the store is broken must serve a new
  // certificate before clients trust its CA. The tests of the renewal controller cover such a start.
  ['people damage the store and the bundle', [...ordinary, hands, clockSet(skewOf(settings))]],
] as const) {
  test(`a client whose bundle is as old as the overlap accepts the served certificate, even if ${what}`, async () => {
    let rotations = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...steps), { maxLength: 80, size: 'max' }), async (drawn) => {
        const rehearsal = await rehearse(settings);
        for (const step of drawn) await rehearsal.do(step);
        await rehearsal.settle();
        rotations = Math.max(rotations, rehearsal.rotations);
      }),
      { numRuns: 200 },
    );
    assert.ok(rotations >= 3, 'at least one run must contain three rotations');
  });
}
