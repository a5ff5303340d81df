// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importReferences } from './esbuild-plugins.ts';

test('each literal reference to a data file becomes an import, and line numbers stay the same', () => {
  const source = [
    "const one = load(new URL('./v1.yaml', import.meta.url));",
    'const two = new URL(',
    "  '../crds/kind.yaml',",
    '  import.meta.url,',
    ');',
  ];
  const lines = importReferences(source.join('\n')).split('\n');
  const imports = "import dataFile0 from './v1.yaml';import dataFile1 from '../crds/kind.yaml';";
  assert.deepEqual(lines, [
    `${imports}const one = load(new URL(dataFile0, import.meta.url));`,
    'const two = new URL(dataFile1, import.meta.url);',
  ]);
});

test('references to programs, computed names and comments stay unchanged', () => {
  for (const source of [
    "const main = new URL('./main.ts', import.meta.url);",
    "const shim = new URL('../.cache/shim/macvtap', import.meta.url);",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    'const file = new URL(`../crds/${kind}.yaml`, import.meta.url);',
    "/**\n * @example load(new URL('./v1.yaml', import.meta.url))\n */",
    "// new URL('./v1.yaml', import.meta.url)",
  ]) {
    assert.equal(importReferences(source), source);
  }
});
