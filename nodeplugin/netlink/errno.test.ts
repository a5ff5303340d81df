// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { describeErrno, nameErrno } from './libc.ts';

test("the table has the same numbers as Node's table", () => {
  const named = Object.entries(constants.errno).filter(([name, number]) => nameErrno(number) === name);
  assert.ok(named.length >= 25, `only ${named.length} names agree`);
  for (const [name, number] of Object.entries(constants.errno)) {
    // EWOULDBLOCK and ENOTSUP are other names of EAGAIN and EOPNOTSUPP.
    if (name === 'EWOULDBLOCK' || name === 'ENOTSUP') continue;
    const ours = nameErrno(number);
    assert.ok(ours === name || ours === `errno ${number}`, `${number} is ${name}, not ${ours}`);
  }
});

test('a number is described by its usual text and its name', () => {
  assert.equal(describeErrno(16), 'device or resource busy (EBUSY)');
  assert.equal(describeErrno(4000), 'errno 4000');
});
