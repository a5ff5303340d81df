// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followVersion } from './watch-version.ts';

function listed(version: string) {
  const followed = followVersion();
  followed.listed(version);
  return followed;
}

describe('the version that is watched from', () => {
  it('is that of the list, then of whatever was heard last, the same again too', () => {
    const version = listed('9');
    assert.equal(version.current, '9');
    for (const heard of ['10', '10', '100', '99999999999999999999', '100000000000000000000']) {
      assert.ok(version.heard(heard), heard);
      assert.equal(version.current, heard);
    }
  });

  it('is forgotten when an earlier one is heard', () => {
    for (const [before, after] of [
      ['100', '99'],
      ['100000000000000000001', '100000000000000000000'],
    ] as const) {
      const version = listed(before);
      assert.ok(!version.heard(after));
      assert.equal(version.current, undefined);
    }
  });

  it('is not compared where it is no number', () => {
    const version = listed('b');
    for (const heard of ['a', '1', 'c']) assert.ok(version.heard(heard));
    assert.equal(version.current, 'c');
  });

  const refusals = [
    { statuses: [401, 403, 429, 502, 503, 503, 429], stays: true },
    { statuses: [410], stays: false },
    { statuses: [400], stays: false },
    { statuses: [500], stays: true },
    { statuses: [500, 504], stays: false },
    { statuses: [504, 503, 504], stays: false },
  ];
  for (const { statuses, stays } of refusals) {
    it(`${stays ? 'stays' : 'is forgotten'} after ${statuses.join(', ')}`, () => {
      const version = listed('7');
      for (const status of statuses) version.refused(status);
      assert.equal(version.current, stays ? '7' : undefined);
    });
  }

  it('is doubted anew once something was heard', () => {
    const version = listed('7');
    version.refused(500);
    version.heard('8');
    version.refused(500);
    assert.equal(version.current, '8');
  });

  it('is forgotten after silence', () => {
    const version = listed('7');
    version.wasSilent();
    assert.equal(version.current, undefined);
  });
});
