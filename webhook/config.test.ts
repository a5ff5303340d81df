// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFlags } from '../runtime/read-flags.ts';
import { readCertificateSettings, webhookLine } from './config.ts';

function settingsOf(...argv: readonly string[]) {
  const parsed = readFlags(webhookLine, ['--source', 'cluster', ...argv], {});
  assert.ok('values' in parsed);
  return readCertificateSettings(parsed.values);
}

describe('the times of self-made certificates', () => {
  it('are a year, its last third, and ten minutes, by default', () => {
    const day = 86_400_000;
    assert.deepEqual(settingsOf(), { lifetimeMs: 365 * day, renewBeforeMs: (365 * day) / 3, overlapMs: 600_000 });
  });

  it('are those of the flags', () => {
    const flags = ['--certificate-lifetime', '40s', '--certificate-renew-before', '34s', '--certificate-overlap', '3s'];
    assert.deepEqual(settingsOf(...flags), { lifetimeMs: 40_000, renewBeforeMs: 34_000, overlapMs: 3_000 });
  });

  for (const flags of [
    ['--certificate-lifetime', '10m'],
    ['--certificate-overlap', '365d'],
    ['--certificate-renew-before', '365d'],
    // A new certificate would be due for renewal before it may be served.
    ['--certificate-lifetime', '1h', '--certificate-renew-before', '59m'],
  ]) {
    it(`leave room for a renewal, which ${flags.join(' ')} does not`, () => {
      assert.throws(() => settingsOf(...flags), { code: 'InvalidFlags', message: /--certificate-overlap must be/ });
    });
  }
});
