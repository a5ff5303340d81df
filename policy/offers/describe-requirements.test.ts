// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeRequirements } from './describe-requirements.ts';

it('describes a selector as kubectl writes it', () => {
  const text = describeRequirements([
    { key: 'vms', operator: 'In', values: ['true'] },
    { key: 'team', operator: 'In', values: ['a', 'b'] },
    { key: 'stage', operator: 'NotIn', values: ['dev'] },
    { key: 'zone', operator: 'NotIn', values: ['x', 'y'] },
    { key: 'owner', operator: 'Exists', values: [] },
    { key: 'legacy', operator: 'DoesNotExist', values: [] },
    { key: 'rank', operator: 'Gt', values: ['3'] },
    { key: 'size', operator: 'Lt', values: ['9'] },
  ]);
  assert.equal(text, 'vms=true,team in (a,b),stage!=dev,zone notin (x,y),owner,!legacy,rank>3,size<9');
});
