// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLockHolder, parseLockHolder } from './find-lock-holder.ts';

/** Device 253:1, and 259:65537, whose minor number does not fit in one byte. */
const device = 0xfd01n;
const wideDevice = (0x103n << 8n) | 0x01n | (0x10000n << 12n);

const locks = `1: POSIX  ADVISORY  WRITE 11 fd:01:500 0 EOF
2: FLOCK  ADVISORY  READ  12 fd:01:500 0 EOF
3: FLOCK  ADVISORY  WRITE 0 fd:01:501 0 EOF
4: FLOCK  ADVISORY  WRITE 14 fd:01:5000 0 EOF
5: FLOCK  ADVISORY  WRITE 15 00:01:500 0 EOF
6: FLOCK  ADVISORY  WRITE 16 fd:01:500 0 EOF
6: -> FLOCK  ADVISORY  WRITE 17 fd:01:502 0 EOF
7: FLOCK  ADVISORY  WRITE 18 103:10001:9 0 EOF
`;

for (const [what, dev, ino, holder] of [
  ['the exclusive flock of the file', device, 500n, 16],
  ['nobody whom this namespace cannot name', device, 501n, undefined],
  ['nobody who only waits', device, 502n, undefined],
  ['nobody for a file without a lock', device, 9n, undefined],
  ['a file on a device with a wide number', wideDevice, 9n, 18],
] as const) {
  test(`/proc/locks tells ${what}`, () => {
    assert.equal(parseLockHolder(locks, dev, ino), holder);
  });
}

test('a file that is gone has no holder', async () => {
  assert.equal(await findLockHolder('/nonexistent'), undefined);
});
