// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { signalScope } from './run-command.ts';

it('a signal scope removes its listeners when it ends', () => {
  const count = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
  const before = count();
  {
    using scope = signalScope();
    assert.equal(count(), before + 2);
    assert.equal(scope.signal.aborted, false);
  }
  assert.equal(count(), before);
});
