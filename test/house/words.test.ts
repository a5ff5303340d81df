// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { cacheFolder } from '../binaries/binary-path.ts';
import { cacheName } from '../binaries/recipes.ts';
import { proseEndings, proseOf } from './prose.ts';
import { root, type SourceFile, sourceFiles } from './source-files.ts';

const vale = join(cacheFolder, cacheName('vale'));

/** `npm run check` builds Vale first. `npm test` does not build it. */
const options = { skip: existsSync(vale) ? false : 'needs Vale: run npm run check' };

/** One finding of Vale. */
interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly severity: 'error' | 'warning';
  readonly match: string;
}

/** Findings that are right as they are, each with its reason. An entry without a finding fails the check. */
const exceptions: readonly (Pick<Finding, 'path' | 'rule' | 'match'> & { readonly reason: string })[] = (
  [
    ['Verbs', 'told'],
    ['Again', 'anew'],
    ['Places', 'stands on'],
    ['Actors', 'Nobody'],
    ['Owners', 'ours'],
  ] as const
).map(([rule, match]) => ({ path: 'test/house/words.test.ts', rule, match, reason: 'the bad sentences below' }));

test('pages, comments and messages follow the rules in test/house/words', options, (t) => {
  const findings = findingsOf(sourceFiles(...proseEndings));
  const errors = findings.filter(({ severity }) => severity === 'error');
  t.diagnostic(`${findings.length - errors.length} sentences have more than 25 words`);
  assert.deepEqual(errors.filter((finding) => !exceptions.some((known) => covers(known, finding))).map(render), []);
  assert.deepEqual(
    exceptions.filter((known) => !errors.some((finding) => covers(known, finding))),
    [],
    'exceptions without a finding',
  );
});

const seeded: readonly SourceFile[] = [
  { path: 'docs/page.md', text: '# Page\n\nThe node plugin is told of the policy.\n' },
  {
    path: 'webhook/comment.ts',
    text: '// SPDX-License-Identifier: Apache-2.0\n/** The sandbox is made anew. */\nexport const one = 1;\n',
  },
  { path: 'cli/message.ts', text: "export const message = 'the resource dataplane stands on eth1';\n" },
  { path: 'charts/values.yaml', text: 'node:\n  # Nobody sets this.\n  image: x\n' },
  { path: 'shim.c', text: '/* A pod of ours. */\nint main(void) { return 0; }\n' },
];

test('a bad sentence is found in a page, a comment, a message, a chart and a C file, with its line', options, () => {
  const found = findingsOf(seeded).map(({ path, line, rule }) => `${path}:${line} ${rule}`);
  assert.deepEqual(found.sort(), [
    'charts/values.yaml:2 Actors',
    'cli/message.ts:1 Places',
    'docs/page.md:3 Verbs',
    'shim.c:1 Owners',
    'webhook/comment.ts:2 Again',
  ]);
});

/** Runs Vale over the text that people read in these files. */
function findingsOf(files: readonly SourceFile[]): readonly Finding[] {
  const folder = mkdtempSync(join(tmpdir(), 'kube-macvtap-words-'));
  try {
    for (const file of files) {
      const path = join(folder, `${file.path}.md`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, proseOf(file));
    }
    const config = `${root}test/house/words/vale.ini`;
    const { status, stdout, stderr, error } = spawnSync(vale, ['--config', config, '--output=JSON', '--no-exit', '.'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.equal(status, 0, `vale: ${error?.message ?? stderr}`);
    const byFile = JSON.parse(stdout) as Record<
      string,
      readonly { Line: number; Check: string; Severity: string; Match: string }[]
    >;
    return Object.entries(byFile).flatMap(([path, alerts]) =>
      alerts.map(({ Line, Check, Severity, Match }) => ({
        path: path.slice(0, -'.md'.length),
        line: Line,
        rule: Check.slice('kube-macvtap.'.length),
        severity: Severity === 'error' ? 'error' : 'warning',
        match: Match,
      })),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function covers(known: Pick<Finding, 'path' | 'rule' | 'match'>, finding: Finding): boolean {
  return known.path === finding.path && known.rule === finding.rule && known.match === finding.match;
}

function render({ path, line, rule, match }: Finding): string {
  return `${path}:${line}: ${rule}: ${match.replaceAll(/\s+/g, ' ')}`;
}
