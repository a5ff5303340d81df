// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import type { ParentEntry } from './rule.ts';
import { warnParentNames } from './warn-parent-names.ts';

const told = (...parentSelector: readonly ParentEntry[]) =>
  warnParentNames(policy('p', { parentSelector }), { others: [], nodes: new Map() });

describe('an interface that would name its resource', () => {
  it('is told of where no resource can have the name', () => {
    assert.deepEqual(
      told({ parentIface: 'eth0' }, { parentIface: 'eth0:1' }, { parentIface: 'eth0-' }).map(
        ({ severity, code, path, detail }) => [severity, code, path, detail],
      ),
      [
        [
          'warn',
          'IllegalResourceName',
          'spec.parentSelector[1].parentIface',
          'eth0:1, unless it is an altname of an interface with a legal one',
        ],
        [
          'warn',
          'IllegalResourceName',
          'spec.parentSelector[2].parentIface',
          'eth0-, unless it is an altname of an interface with a legal one',
        ],
      ],
    );
  });

  it('is told of in full, however long it is', () => {
    const [text] = told({ parentIface: 'x'.repeat(127) }).map(verdictText);
    assert.match(text ?? '', /\(x+\.\.\., unless it is an altname of an interface with a legal one\)$/);
    assert.ok((text ?? '').length <= 256);
  });

  it('is nobody’s business where the entry names the resource, or selects by more than a name', () => {
    assert.deepEqual(told({ parentIface: 'eth0:1', resourceName: 'data' }, { nicSelector: { names: ['eth0:1'] } }), []);
    const whole = policy('p', { resourceName: 'data', parentSelector: [{ parentIface: 'eth0:1' }] });
    assert.deepEqual(warnParentNames(whole, { others: [], nodes: new Map() }), []);
  });
});
