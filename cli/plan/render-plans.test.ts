// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { reasons } from '../../policy/reasons.ts';
import { entries, nic, plan } from '../../test/fixtures/plan/build-example.ts';
import { renderPlans } from './render-plans.ts';

const asked = entries({ parentIface: 'eth1', resourceName: 'data', quantity: 5 }, { parentIface: 'eth2' });
const busy = plan({ interfaces: [nic('eth1')], policies: [asked] });
const idle = { ...plan({ interfaces: [], implicit: undefined }), node: 'h2' };

describe('plans as a table', () => {
  it('have a row for each resource, and one for a node that exposes nothing', () => {
    assert.deepEqual(renderPlans([busy, idle], 'table').split('\n'), [
      'NODE  RESOURCE  PARENT  MODE    QUANTITY  SOURCE',
      'h1    data      eth1    bridge  5         policy macvtap-cni/p',
      'h2    -         -       -       -         none',
      '',
      'Not exposed:',
      `  h1  NothingFound  macvtap-cni/p[1] eth2: ${reasons.NothingFound}`,
    ]);
  });

  it('fit a terminal', () => {
    const table = renderPlans([busy, idle], 'table', 60);
    assert.deepEqual(
      table.split('\n').filter(({ length }) => length > 60),
      [],
    );
    assert.match(table, /^h1 {4}data .* policy macvtap-cn…$/m);
  });

  it('end with the resources when there is nothing that is not exposed', () => {
    assert.doesNotMatch(renderPlans([idle], 'table'), /Not exposed|\n$/);
  });

  it('tell conflicts before what was skipped', () => {
    const taken = { code: 'ResourceNameTaken', source: 'policy', policy: 'ns/q', entry: 0, resource: 'data' } as const;
    assert.match(renderPlans([{ ...busy, conflicts: [taken] }], 'table'), /ResourceNameTaken.*NothingFound/s);
  });
});

describe('plans for a script', () => {
  it('are the whole plans, as JSON and as YAML', () => {
    assert.deepEqual(JSON.parse(renderPlans([busy, idle], 'json')), [busy, idle]);
    assert.deepEqual(parse(renderPlans([busy, idle], 'yaml')), [busy, idle]);
  });

  it('repeat what two of them share instead of pointing to it', () => {
    const yaml = renderPlans([busy, busy], 'yaml');
    assert.doesNotMatch(yaml, /[&*]a1/);
    assert.deepEqual(parse(yaml), [busy, busy]);
  });
});
