// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reasons } from '../policy/reasons.ts';
import { denialCodes } from './denial-codes.ts';

const folders = {
  'policy/nad': 'NetworkAttachmentDefinition',
  'policy/pod': 'Pod',
  'policy/nodepolicy': 'MacvtapNetworkNodePolicy',
} as const;

for (const [folder, kind] of Object.entries(folders)) {
  test(`a ${kind} is denied by the codes that the rules in ${folder} deny with, and by no other`, () => {
    const texts = globSync(`${import.meta.dirname}/../${folder}/*.ts`, { exclude: ['**/*.test.ts'] }).map((path) =>
      readFileSync(path, 'utf8'),
    );
    // The first argument, which may choose between two codes.
    const said = texts.flatMap((text) => [...text.matchAll(/\bdeny\(\s*([^,]+),/g)].map(([, code = '']) => code));
    const codes = said.flatMap((code) => [...code.matchAll(/'(\w+)'/g)].map(([, name = '']) => name));
    assert.ok(said.length > 0);
    assert.deepEqual([...new Set(codes)].sort(), [...denialCodes[kind as keyof typeof denialCodes]].sort());
    for (const code of codes) assert.ok(code in reasons, code);
  });
}
