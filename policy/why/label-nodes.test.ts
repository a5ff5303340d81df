// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Requirement } from '../plan/match-labels.ts';
import { labelNodes, unmet } from './label-nodes.ts';

const requirement = (key: string, operator: Requirement['operator'], ...values: string[]) => ({
  key,
  operator,
  values,
});
const nodes = (labels: Readonly<Record<string, string>>) => new Map([['h1', { name: 'h1', labels }]]);
const command = (labels: Readonly<Record<string, string>>, ...requirements: readonly Requirement[]) =>
  labelNodes(['h1'], requirements, nodes(labels));

describe('the command by which a node meets requirements', () => {
  it('sets what must be there and takes away what must not', () => {
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

  it('overwrites a value that is another one', () => {
    assert.equal(command({ zone: 'c' }, requirement('zone', 'In', 'a')), 'kubectl label node h1 zone=a --overwrite');
    assert.equal(command({ zone: 'c' }, requirement('zone', 'NotIn', 'c')), 'kubectl label node h1 zone-');
  });

  it('is none where only a person can say by which value', () => {
    assert.equal(command({}, requirement('size', 'Gt', '4')), undefined);
    assert.equal(command({}, requirement('zone', 'In')), undefined);
  });
});

describe('what a node does not meet', () => {
  it('is told without what it does, and not by what every object inherits', () => {
    const [zone, built] = [requirement('zone', 'In', 'a'), requirement('constructor', 'Exists')];
    assert.deepEqual(unmet({ name: 'h1', labels: { zone: 'a' } }, [zone, built]), [built]);
  });
});
