// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untolerated } from './tolerates.ts';
import type { Toleration } from './why-facts.ts';

const taint = { key: 'db', value: 'yes', effect: 'NoSchedule' };

test('a taint is tolerated by key, value and effect, as far as a toleration names them', () => {
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

test('a taint that is only a preference keeps nobody away', () => {
  assert.deepEqual(untolerated([{ ...taint, effect: 'PreferNoSchedule' }], []), []);
});
