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

describe('the times of certificates that the webhook makes', () => {
  it('default to a lifetime of a year, a renewal before its last third, and an overlap of ten minutes', () => {
    const day = 86_400_000;
    assert.deepEqual(settingsOf(), { lifetimeMs: 365 * day, renewBeforeMs: (365 * day) / 3, overlapMs: 600_000 });
  });

  it('can be set with flags', () => {
    const flags = ['--certificate-lifetime', '40s', '--certificate-renew-before', '34s', '--certificate-overlap', '3s'];
    assert.deepEqual(settingsOf(...flags), { lifetimeMs: 40_000, renewBeforeMs: 34_000, overlapMs: 3_000 });
  });

  for (const flags of [
    ['--certificate-lifetime', '10m'],
    ['--certificate-overlap', '365d'],
    ['--certificate-renew-before', '365d'],
    // A new certificate would be due for renewal before it could be served.
    ['--certificate-lifetime', '1h', '--certificate-renew-before', '59m'],
  ]) {
    it(`must leave room for a renewal: ${flags.join(' ')} is refused`, () => {
      assert.throws(() => settingsOf(...flags), { code: 'InvalidFlags', message: /--certificate-overlap must be/ });
    });
  }
});
