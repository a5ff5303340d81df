// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainEnvironment } from './plain-environment.ts';

test('settings of a terminal, CI or a user do not reach a program under test, and other variables do', () => {
  process.env = {
    PATH: '/bin',
    CI: 'true',
    FORCE_COLOR: '1',
    NO_COLOR: '1',
    NODE_DISABLE_COLORS: '1',
    KUBE_MACVTAP_SOURCE: 'cluster',
    CIRCUS: 'tent',
  };
  assert.deepEqual(plainEnvironment(), { PATH: '/bin', CIRCUS: 'tent' });
});
