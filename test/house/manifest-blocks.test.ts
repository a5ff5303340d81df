// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse, parseAllDocuments } from 'yaml';
import { lintFiles } from '../../cli/lint/lint-files.ts';
import { type DocBlock, docBlocks } from './doc-blocks.ts';
import { chartValues, partialManifests } from './manifest-blocks.ts';
import { root, sourceFiles } from './source-files.ts';

const blocks = docBlocks().filter(({ language }) => language === 'yaml' || language === 'json');
const isPartial = ({ page, firstLine }: DocBlock) => partialManifests[page]?.[firstLine] !== undefined;
const files = [
  ...blocks.filter((block) => !isPartial(block)).map(({ page, line, text }) => ({ name: `${page}:${line}`, text })),
  ...sourceFiles('.yaml')
    .filter(({ path }) => path.startsWith('docs/'))
    .map(({ path, text }) => ({ name: path, text })),
];

test('the webhook accepts the manifests in pages, and next to pages, without a warning', () => {
  const options = { policyNamespace: 'macvtap-cni', multusNamespace: 'kube-system', unknownResource: 'Allow' } as const;
  // Blocks of different pages are checked separately, because pages reuse names. Files of a folder are checked
  // together.
  const sets = Map.groupBy(files, ({ name }) => (/^docs\/[^/]+\/.*\.yaml$/.test(name) ? dirname(name) : name));
  const found = [...sets.values()].flatMap((set) =>
    lintFiles(
      set.map(({ name, text }) => ({ name, isNamed: true, content: { text } })),
      options,
    )
      // A network in one block may request a resource of a policy in another block.
      .findings.filter(({ code }) => code !== 'ResourceUnknown')
      .map(({ file, line, code, path }) => `${file} +${line}: ${code} ${path}`),
  );
  assert.deepEqual(found, ['docs/tutorial/quick-start/policy.yaml +8: SelectsEveryNode spec.nodeSelector']);
});

test('every manifest is a complete object, or is in the table of partial manifests', () => {
  const incomplete = files.filter(({ text }) =>
    parseAllDocuments(text).some((document) => document.errors.length > 0 || !isObject(document.toJS())),
  );
  assert.deepEqual(
    incomplete.map(({ name }) => name),
    [],
  );
});

test('values of the chart match its schema', () => {
  const schema = JSON.parse(readFileSync(`${root}charts/kube-macvtap/values.schema.json`, 'utf8'));
  const ajv = new Ajv({ strict: false });
  const validate = ajv.compile(Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema')));
  const values = blocks.filter(({ page, firstLine }) => partialManifests[page]?.[firstLine] === chartValues);
  assert.ok(values.length > 0);
  for (const { page, line, text } of values) {
    assert.ok(validate(parse(text)), `${page}:${line}: ${ajv.errorsText(validate.errors)}`);
  }
});

test('every row of the table has its block', () => {
  const rows = Object.entries(partialManifests).flatMap(([page, lines]) =>
    Object.keys(lines).map((line) => `${page}: ${line}`),
  );
  const found = blocks.filter(isPartial).map(({ page, firstLine }) => `${page}: ${firstLine}`);
  assert.deepEqual(rows.toSorted(), found.toSorted());
});

function isObject(value: unknown): boolean {
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  return typeof apiVersion === 'string' && typeof kind === 'string';
}
