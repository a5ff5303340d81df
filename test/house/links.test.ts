// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { anchorsOf, linksOf, readPage } from './markdown.ts';
import { root, sourceFiles } from './source-files.ts';

const pages = new Map(sourceFiles('.md').map(({ path, text }) => [path, readPage(text)] as const));

/** Returns the links of a page to other files, as paths from the root. */
const filesLinkedFrom = (path: string) =>
  linksOf(pages.get(path) ?? { blocks: [], prose: [] })
    .map(({ target }) => target.split('#')[0] as string)
    .filter((target) => target !== '' && !isElsewhere(target))
    .map((target) => posix.join(posix.dirname(path), target));

test('every link of every page leads to an existing file and to an existing anchor', () => {
  const broken = [...pages].flatMap(([path, page]) =>
    linksOf(page)
      .filter(({ target }) => !isElsewhere(target))
      .map(({ line, target }) => ({ at: `${path}:${line}: ${target}`, fault: faultOf(path, target) }))
      .filter(({ fault }) => fault !== undefined)
      .map(({ at, fault }) => `${at}: ${fault}`),
  );
  assert.deepEqual(broken, []);
});

test('every page of docs/ can be reached from docs/README.md', () => {
  const reached = new Set(['docs/README.md', ...filesLinkedFrom('docs/README.md')]);
  const lost = [...pages.keys()].filter((path) => path.startsWith('docs/') && !reached.has(path));
  // Decisions are reached through their list, which docs/README.md links to.
  const decisions = new Set(filesLinkedFrom('docs/explanation/decisions/README.md'));
  assert.deepEqual(
    lost.filter((path) => !decisions.has(path)),
    [],
  );
});

test('every file of this repository that a page names exists', () => {
  const missing = [...pages].flatMap(([path, { prose }]) =>
    prose.flatMap(({ line, text }) =>
      [...text.matchAll(/`(?:\.?\/)?((?:[a-z][\w-]*)\/[\w./-]+\.(?:ts|c|js|yaml))`/g)]
        .map(([, name = '']) => name)
        .filter((name) => !existsSync(`${root}${name}`))
        .map((name) => `${path}:${line}: ${name}`),
    ),
  );
  assert.deepEqual(missing, []);
});

test('every row of the security page that claims protection names a test of the attack', () => {
  const lines = (pages.get('docs/explanation/security.md')?.prose ?? []).map(({ text }) => text);
  const from = lines.findIndex((line) => /^\| attacker +\| asset /.test(line)) + 2;
  const rows = lines.slice(from, lines.indexOf('', from));
  assert.ok(rows.length > 10);
  assert.deepEqual(
    rows.filter((row) => !/\.test\.ts` *\|$/.test(row)),
    [],
  );
});

test('decisions are numbered without gaps, in their names, titles and list', () => {
  const found = sourceFiles('.md').filter(({ path }) => /^docs\/explanation\/decisions\/\d/.test(path));
  const list = sourceFiles('.md').find(({ path }) => path === 'docs/explanation/decisions/README.md')?.text ?? '';
  const numbers = (texts: readonly string[], pattern: RegExp) => texts.map((text) => Number(pattern.exec(text)?.[1]));
  const expected = found.map((_, at) => at + 1);
  assert.deepEqual(numbers(found.map(({ path }) => path).toSorted(), /decisions\/(\d{4})-/), expected);
  assert.deepEqual(
    numbers(
      found.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(({ text }) => text),
      /^# (\d+)\. /,
    ),
    expected,
  );
  assert.deepEqual(
    [...list.matchAll(/^\| (\d+) +\| .*\((\d{4})-/gm)].map(([, row, name]) => [Number(row), Number(name)]),
    expected.map((number) => [number, number]),
  );
});

test('links, anchors and blocks of a page are distinguished', () => {
  const page = readPage(
    '# The `one`: a/b\n\n[a](b.md#c) `[no](x)`\n\n<a id="One"></a>`<a id="No"></a>`\n\n1.  item\n\n        run it\n\n    more\n\n# The `one`: a/b\n\n```sh\n[no](y)\n```\n\n    out\n\n    side\n',
  );
  assert.deepEqual(anchorsOf(page), ['the-one-ab', 'the-one-ab-1', 'One']);
  assert.deepEqual(linksOf(page), [{ line: 3, target: 'b.md#c' }]);
  assert.deepEqual(page.blocks, [
    { line: 9, language: undefined, text: 'run it' },
    { line: 16, language: 'sh', text: '[no](y)' },
    { line: 19, language: undefined, text: 'out\n\nside' },
  ]);
});

function faultOf(path: string, target: string): string | undefined {
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? path : posix.join(posix.dirname(path), file);
  if (!existsSync(`${root}${found}`)) return 'no such file';
  if (anchor === undefined) return undefined;
  const page = pages.get(found);
  return page !== undefined && anchorsOf(page).includes(anchor) ? undefined : 'no such anchor';
}

function isElsewhere(target: string): boolean {
  return /^(https?|mailto):/.test(target);
}
