// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Requirement } from '../plan/match-labels.ts';
import { labelNodes, unmetRequirements, untolerated } from './node-scheduling.ts';
import type { Toleration } from './why-facts.ts';

const taint = { key: 'db', value: 'yes', effect: 'NoSchedule' };

test('a toleration matches a taint if all its fields match', () => {
  const table: readonly (readonly [Toleration, boolean])[] = [
    [{ operator: 'Exists' }, true],
    [{ key: 'db', operator: 'Exists' }, true],
    [{ key: 'db', value: 'yes' }, true],
    [{ key: 'db', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }, true],
    [{ key: 'db', value: 'no' }, false],
    [{ key: 'db' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ key: 'db', operator: 'Exists', effect: 'NoExecute' }, false],
    [{}, false],
  ];
  for (const [toleration, isTolerated] of table) {
    assert.equal(untolerated([taint], [toleration]).length === 0, isTolerated, JSON.stringify(toleration));
  }
});

test('a PreferNoSchedule taint does not exclude pods', () => {
  assert.deepEqual(untolerated([{ ...taint, effect: 'PreferNoSchedule' }], []), []);
});

const requirement = (key: string, operator: Requirement['operator'], ...values: string[]) => ({
  key,
  operator,
  values,
});
const nodes = (labels: Readonly<Record<string, string>>) => new Map([['h1', { name: 'h1', labels }]]);
const command = (labels: Readonly<Record<string, string>>, ...requirements: readonly Requirement[]) =>
  labelNodes(['h1'], requirements, nodes(labels));

describe('the command that makes a node meet requirements', () => {
  it('sets required labels and removes forbidden ones', () => {
    assert.equal(
      command(
        {},
        requirement('zone', 'In', 'a', 'b'),
        requirement('vms', 'Exists'),
        requirement('old', 'DoesNotExist'),
      ),
      'kubectl label node h1 zone=a vms= old-',
    );
  });

  it('overwrites a different value', () => {
    assert.equal(command({ zone: 'c' }, requirement('zone', 'In', 'a')), 'kubectl label node h1 zone=a --overwrite');
    assert.equal(command({ zone: 'c' }, requirement('zone', 'NotIn', 'c')), 'kubectl label node h1 zone-');
  });

  it('is undefined if the right value is unknown', () => {
    assert.equal(command({}, requirement('size', 'Gt', '4')), undefined);
    assert.equal(command({}, requirement('zone', 'In')), undefined);
  });
});

describe('the requirements that a node does not meet', () => {
  it('ignores keys that every object inherits', () => {
    const [zone, built] = [requirement('zone', 'In', 'a'), requirement('constructor', 'Exists')];
    assert.deepEqual(unmetRequirements({ name: 'h1', labels: { zone: 'a' } }, [zone, built]), [built]);
  });
});
