// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../../test/fixtures/plan/build-example.ts';
import { whyFacts } from '../../../test/fixtures/why/build-facts.ts';
import { h1, onEntry, p } from '../../../test/fixtures/why/cases.ts';
import { explain } from '../explain.ts';

describe('findInterfaceAbsent', () => {
  it('never suggests an interface that carries the traffic of the node', () => {
    const { causes } = explain(p, whyFacts({ policies: [onEntry({ parentIface: 'eth' })] })) ?? assert.fail();
    assert.match(JSON.stringify(causes[0]?.fix), /eth1/);
    const onlyUplink = whyFacts({ policies: [onEntry({ parentIface: 'etj0' })] });
    assert.doesNotMatch(JSON.stringify(explain(p, onlyUplink)?.causes[0]?.fix), /"value":"eth0"/);
  });

  it('suggests no edit if another entry of the policy serves the node', () => {
    const entries = [
      { parentIface: 'eth1', resourceName: 'eth1' },
      { parentIface: 'eth9', resourceName: 'spare' },
    ] as const;
    const both = policy('p', { parentSelector: entries, nodeSelector: { matchLabels: { macvtapAware: 'true' } } });
    const { causes, notes } = explain(h1, whyFacts({ policies: [both] })) ?? assert.fail();
    assert.deepEqual(causes, []);
    assert.deepEqual(
      notes.filter(({ code }) => code === 'InterfaceAbsent').map(({ fix }) => fix.commands),
      [[]],
    );
  });
});
