// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { lintFiles } from '../../cli/lint/lint-files.ts';
import { type DocBlock, docBlocks } from './doc-blocks.ts';
import { partialManifests } from './manifest-blocks.ts';
import { sourceFiles } from './source-files.ts';

const blocks = docBlocks().filter(({ language }) => language === 'yaml' || language === 'json');
const isPartial = ({ page, firstLine }: DocBlock) => partialManifests[page]?.[firstLine] !== undefined;
const files = [
  ...blocks.filter((block) => !isPartial(block)).map(({ page, line, text }) => ({ name: `${page}:${line}`, text })),
  ...sourceFiles('.yaml')
    .filter(({ path }) => path.startsWith('docs/'))
    .map(({ path, text }) => ({ name: path, text })),
];

test('manifests in pages, and those beside them, are such as the webhook stores without a word', () => {
  const options = { policyNamespace: 'macvtap-cni', multusNamespace: 'kube-system', unknownResource: 'Allow' } as const;
  // Each file for itself: pages tell different stories under the same names.
  const said = files.flatMap(({ name, text }) =>
    lintFiles([{ name, isNamed: true, content: { text } }], options)
      // What offers it stands in another block.
      .findings.filter(({ code }) => code !== 'ResourceUnknown')
      .map(({ line, code, path, message }) => `${name} +${line}: ${code} ${path}: ${message}`),
  );
  assert.deepEqual(said, []);
});

test('every one of them is a whole object, or in the table of those that are not', () => {
  const incomplete = files.filter(({ text }) =>
    parseAllDocuments(text).some((document) => document.errors.length > 0 || !isObject(document.toJS())),
  );
  assert.deepEqual(
    incomplete.map(({ name }) => name),
    [],
  );
});

test('the table has no row without its block', () => {
  const rows = Object.entries(partialManifests).flatMap(([page, lines]) =>
    Object.keys(lines).map((line) => `${page}: ${line}`),
  );
  assert.deepEqual(
    rows,
    blocks.filter(isPartial).map(({ page, firstLine }) => `${page}: ${firstLine}`),
  );
});

function isObject(value: unknown): boolean {
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  return typeof apiVersion === 'string' && typeof kind === 'string';
}
