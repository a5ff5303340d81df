// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readExposure } from './cluster-flags.ts';

const flags = { 'link-kinds': ['device'], 'implicit-exposure': 'All', 'implicit-exclude': ['usb*'] } as const;

describe('implicit exposure by flags', () => {
  it('has the link kinds and the excluded names', () => {
    const exposure = readExposure(flags);
    assert.deepEqual(exposure?.linkKinds, ['device']);
    assert.deepEqual(
      exposure?.exclude.map((glob) => 'matches' in glob && [glob.matches('usb0'), glob.matches('eth0')]),
      [[true, false]],
    );
  });

  it('is absent for None', () => {
    assert.equal(readExposure({ ...flags, 'implicit-exposure': 'None' }), undefined);
  });

  it('is refused with an invalid glob, even for None', () => {
    for (const which of ['All', 'None'] as const) {
      assert.throws(() => readExposure({ ...flags, 'implicit-exposure': which, 'implicit-exclude': ['usb['] }), {
        code: 'InvalidFlags',
        message: /usb\[/,
      });
    }
  });
});
