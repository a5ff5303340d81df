// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../runtime/error-codes.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { probeMacvtap } from './probe-macvtap.ts';

function failing(code: ErrorCode) {
  return {
    createMacvtap: async () => {
      throw new MacvtapError(code, code);
    },
  };
}

test('a kernel that misses the parent has macvtap', async () => {
  assert.equal(await probeMacvtap(failing('ParentGone')), true);
});

test('a kernel that does not know the kind has none', async () => {
  assert.equal(await probeMacvtap(failing('MacvtapUnsupported')), false);
});

test('any other refusal says nothing about the kernel and is passed on', async () => {
  await assert.rejects(probeMacvtap(failing('MissingCapability')), { code: 'MissingCapability' });
});
