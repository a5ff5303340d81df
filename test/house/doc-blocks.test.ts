// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { blockProofs } from './block-proofs.ts';
import { docBlocks, isCommands, proofOf } from './doc-blocks.ts';
import { root } from './source-files.ts';

const blocks = docBlocks();
const place = ({ page, line, firstLine }: { page: string; line: number; firstLine: string }) =>
  `${page}:${line}: ${firstLine}`;

test('a block has a language: indented or sh for commands, console for commands with output, text, yaml or json', () => {
  const known = [undefined, 'sh', 'console', 'text', 'yaml', 'json'];
  assert.deepEqual(blocks.filter(({ language }) => !known.includes(language)).map(place), []);
});

test('every block of commands or output is in the table of proofs; if not, add it to block-proofs.ts', () => {
  assert.deepEqual(blocks.filter((block) => isCommands(block) && proofOf(block) === undefined).map(place), []);
});

test('every row of the table of proofs has its block, and the blocks of a page begin differently', () => {
  const keys = blocks.filter(isCommands).map(({ page, firstLine }) => `${page}: ${firstLine}`);
  const rows = Object.entries(blockProofs).flatMap(([page, proofs]) =>
    Object.keys(proofs).map((firstLine) => `${page}: ${firstLine}`),
  );
  assert.deepEqual(keys.toSorted(), rows.toSorted());
});

test('every proof of a block names an existing file', () => {
  const files = Object.values(blockProofs)
    .flatMap((proofs) => Object.values(proofs))
    .flatMap((proof) => Object.entries(proof))
    .flatMap(([key, value]) => (['shownBy', 'runBy', 'folder'].includes(key) ? [value] : []));
  assert.deepEqual(
    files.filter((file) => !existsSync(`${root}${file}`)),
    [],
  );
});

test('a file that runs a block of a page has the beginning of the block', () => {
  const missing = blocks.filter((block) => {
    const proof = proofOf(block);
    if (proof === undefined || !('runBy' in proof)) return false;
    const texts = [...readFileSync(`${root}${proof.runBy}`, 'utf8').matchAll(/'([^'\n]{8,})'/g)];
    return !texts.some(([, text = '']) => block.firstLine.startsWith(text.split('\\n')[0] ?? ''));
  });
  assert.deepEqual(missing.map(place), []);
});

test('every npm script that a page calls exists', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: object };
  const known = [...Object.keys(scripts), 'ci', 'pack'];
  const unknown = blocks.filter(isCommands).flatMap((block) =>
    [...block.text.matchAll(/\bnpm (?:run (?:--silent )?)?([a-z:]+)/g)]
      .map(([, name = '']) => name)
      .filter((name) => !known.includes(name))
      .map((name) => `${place(block)}: ${name}`),
  );
  assert.deepEqual(unknown, []);
});
