// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deviceIDs } from './device-id.ts';
import { isLinkName, linkName } from './link-name.ts';

describe('the name of a link', () => {
  it('is mvt and the low 48 bits of the hash of the device', () => {
    // XXH64("a") = d24ec4f1a98c6e5b, XXH64("") = ef46db3751d8e999.
    assert.equal(linkName('a'), 'mvtc4f1a98c6e5b');
    assert.equal(linkName(''), 'mvtdb3751d8e999');
  });

  it('always has twelve digits, also where the hash begins with zeros', () => {
    const names = deviceIDs('dataplane', 4_096).map(linkName);
    assert.ok(names.every(isLinkName));
    assert.ok(names.some((name) => name.startsWith('mvt00')));
    assert.equal(new Set(names).size, 4_096);
  });

  for (const name of [
    'eth0',
    'mvt',
    'mvt0123456789a',
    'mvt0123456789abc',
    'mvt0123456789AB',
    'xmvt0123456789ab',
    'mvt0123456789ag',
  ]) {
    it(`is never ${name}`, () => assert.ok(!isLinkName(name)));
  }
});
