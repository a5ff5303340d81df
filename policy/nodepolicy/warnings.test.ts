// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { warnings } from './warnings.ts';

describe('the list of warnings', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => file.startsWith('warn-'));

  it('has every file of a warning, once', () => {
    assert.deepEqual(
      warnings.map(({ name }) => `${name}.ts`).sort(),
      files.filter((file) => !file.endsWith('.test.ts')).sort(),
    );
  });

  it('has a test beside every file', () => {
    assert.deepEqual(
      warnings.map(({ name }) => `${name}.test.ts`).sort(),
      files.filter((file) => file.endsWith('.test.ts')).sort(),
    );
  });
});
