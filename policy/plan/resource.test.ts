// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isLegalResourceName } from './resource.ts';

for (const name of ['a', 'Z9', 'eth0.100', 'a_b-c', 'x'.repeat(63)]) {
  it(`${name} is a legal resource name`, () => assert.ok(isLegalResourceName(name)));
}

for (const name of ['', '-a', 'a-', '.100', 'eth0.', 'a b', 'é', 'eth0@if5', 'a/b', 'a%', '"', 'a\n', 'x'.repeat(64)]) {
  it(`${JSON.stringify(name)} is not a legal resource name`, () => assert.ok(!isLegalResourceName(name)));
}
