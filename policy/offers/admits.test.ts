// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { LabelSelector } from '../nodepolicy/rule.ts';
import type { Labels } from '../plan/match-labels.ts';
import { admits } from './admits.ts';

const vms: LabelSelector = { matchLabels: { vms: true } };
const notDev: LabelSelector = { matchExpressions: [{ key: 'stage', operator: 'NotIn', values: ['dev'] }] };
const cases: readonly [string, LabelSelector | undefined, Labels | undefined, boolean][] = [
  ['a policy without a selector admits all', undefined, { a: 'b' }, true],
  ['an empty selector admits all', {}, {}, true],
  ['a policy without a selector admits a namespace that nobody knows', undefined, undefined, true],
  ['a label that is asked for admits', vms, { vms: 'true' }, true],
  ['a label with another value does not', vms, { vms: 'false' }, false],
  ['a namespace without labels is not admitted where one is asked for', vms, {}, false],
  ['a namespace that nobody knows is not admitted by any selector', notDev, undefined, false],
  ['NotIn admits a namespace without the label', notDev, {}, true],
];

describe('namespaceSelector', () => {
  for (const [title, namespaceSelector, labels, expected] of cases) {
    it(title, () => {
      const selector = namespaceSelector === undefined ? {} : { namespaceSelector };
      assert.equal(admits(policy('p', { parentSelector: [{ parentIface: 'eth0' }], ...selector }), labels), expected);
    });
  }
});
