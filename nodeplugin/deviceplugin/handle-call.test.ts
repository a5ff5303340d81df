// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { toGrpcStatus } from './handle-call.ts';

test('a MacvtapError keeps its message and gets the status of its code', () => {
  const error = new MacvtapError('DeadlineExceeded', 'Allocate dataplaneMvp3 on bond1: not done in 5 s');
  assert.deepEqual(toGrpcStatus(error), { code: status.DEADLINE_EXCEEDED, details: error.message });
});

test('a code without a gRPC status, and any other thrown value, becomes INTERNAL', () => {
  for (const thrown of [new MacvtapError('SocketFailed', 'x'), new TypeError('x'), 'x']) {
    assert.deepEqual(toGrpcStatus(thrown), { code: status.INTERNAL, details: 'x' });
  }
});

test('a message of any content and length becomes valid in a header', () => {
  for (const message of ['\ud800', `${'x'.repeat(1023)}\u{1f600}`, 'line\nline', '\u0000']) {
    const { details } = toGrpcStatus(new Error(message));
    assert.doesNotThrow(() => encodeURI(details));
    assert.ok(details.length <= 1024);
  }
});
