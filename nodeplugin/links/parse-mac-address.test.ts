// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMACAddress } from './parse-mac-address.ts';

test('six hexadecimal bytes of either case are a MAC address', () => {
  assert.deepEqual([...(parseMACAddress('52:54:00:aB:Cd:ef') ?? [])], [0x52, 0x54, 0, 0xab, 0xcd, 0xef]);
});

for (const text of [
  '',
  '52:54:00:ab:cd',
  '52:54:00:ab:cd:ef:00',
  '52-54-00-ab-cd-ef',
  '5:54:00:ab:cd:ef',
  'g2:54:00:ab:cd:ef',
]) {
  test(`"${text}" is none`, () => {
    assert.equal(parseMACAddress(text), undefined);
  });
}
