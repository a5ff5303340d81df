// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MacvtapError } from './errors.ts';

describe('a MacvtapError', () => {
  it('has a code, facts and a cause', () => {
    const cause = new Error('ENODEV');
    const error = new MacvtapError('ParentGone', 'eth1 does not exist', { facts: { parent: 'eth1' }, cause });
    assert.deepEqual([error.name, error.code, error.message], ['MacvtapError', 'ParentGone', 'eth1 does not exist']);
    assert.deepEqual(error.facts, { parent: 'eth1' });
    assert.equal(error.cause, cause);
  });

  it('has no facts and no cause by default', () => {
    const error = new MacvtapError('ParentGone', 'eth1 does not exist');
    assert.deepEqual(error.facts, {});
    assert.equal('cause' in error, false);
  });

  it('is returned unchanged by `from`', () => {
    const error = new MacvtapError('ParentGone', 'eth1 does not exist');
    assert.equal(MacvtapError.from(error), error);
  });

  it('is made from any other thrown value, which becomes its cause', () => {
    const bug = new TypeError('a programming error');
    for (const [thrown, message] of [[bug, 'a programming error'] as const, ['a text', 'a text'] as const]) {
      const error = MacvtapError.from(thrown);
      assert.deepEqual([error.code, error.message, error.cause], ['Unexpected', message, thrown]);
    }
    assert.equal(MacvtapError.from(undefined).message, 'undefined');
  });
});
