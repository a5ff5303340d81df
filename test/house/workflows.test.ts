// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import packageFile from '../../package.json' with { type: 'json' };
import { cacheFolder } from '../binaries/binary-path.ts';
import { cacheName, moduleFolder, type Recipe, recipes } from '../binaries/recipes.ts';
import { root, type SourceFile, sourceFiles } from './source-files.ts';

const actionlint = join(cacheFolder, cacheName('actionlint'));

/** `npm run check` builds actionlint first. `npm test` does not build it. */
const options = { skip: existsSync(actionlint) ? false : 'needs actionlint: run npm run check' };

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly 'runs-on'?: unknown;
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: string | readonly string[] | Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflows = sourceFiles('.yml').filter(({ path }) => path.startsWith('.github/workflows/'));

/** Rights to write, and why a job needs them. */
const writers: Readonly<Record<string, string>> = {
  '.github/workflows/release.yml publish id-token': 'cosign signs with the identity of the job',
  '.github/workflows/release.yml draft contents': 'the job drafts the release; it runs no code of the project',
};

test('actionlint accepts every workflow', options, () => {
  assert.ok(workflows.length >= 3);
  assert.deepEqual(workflows.flatMap(lint), []);
});

test('workflows pin their actions, limit their rights and time, and give foreign code no rights', () => {
  assert.deepEqual(
    workflows.flatMap((file) => faultsOf(file)),
    [],
  );
});

test('every right to write that is explained is used', () => {
  const used = workflows.flatMap((file) =>
    Object.entries((parse(file.text) as Workflow).jobs).flatMap(([name, { permissions }]) =>
      Object.entries(permissions ?? {})
        .filter(([, right]) => right === 'write')
        .map(([right]) => `${file.path} ${name} ${right}`),
    ),
  );
  assert.deepEqual(used.toSorted(), Object.keys(writers).toSorted());
});

test('every npm script that a workflow runs exists', () => {
  const called = workflows.flatMap(({ text }) =>
    [...text.matchAll(/\bnpm run (?:--silent )?([a-z:]+)/g)].map(([, name = '']) => name),
  );
  assert.ok(called.length > 3);
  assert.deepEqual(
    called.filter((name) => !Object.hasOwn(packageFile.scripts, name)),
    [],
  );
});

const good = `
on: { push: { branches: [main] } }
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false }
      - run: npm ci
`;

/** Changes that make a workflow bad, with the finding of actionlint or of this test. */
const bad: readonly (readonly [from: string, to: string, finding: RegExp])[] = [
  ['runs-on: ubuntu-24.04', 'needs: [two]', /does not exist/],
  ['contents: read', 'content: read', /unknown permission scope "content"/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of workflows
  ['npm ci', 'echo ${{ github.event.pull_request.title }}', /potentially untrusted/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of workflows
  ['npm ci', 'echo ${{ secret.PASSWORD }}', /undefined variable "secret"/],
  ['{ branches: [main] }', '{ branch: [main] }', /unexpected key "branch"/],
  ['ubuntu-24.04', 'ubuntu-latest', /one: runs on ubuntu-latest/],
  ['@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1', '@v7', /actions\/checkout@v7: not pinned/],
  ['# v7.0.1', '', /not pinned/],
  ['with: { persist-credentials: false }', '', /one: the checkout keeps credentials/],
  ['permissions: {}\n', '', /grants rights to all jobs/],
  ['    permissions: { contents: read }\n', '', /one: has no permissions/],
  ['contents: read', 'contents: write', /one: contents: write is not explained/],
  ['    timeout-minutes: 5\n', '', /one: has no time limit/],
  ['{ push: { branches: [main] } }', 'pull_request_target', /pull_request_target/],
];

test('the workflow that the bad ones start from is good', options, () => {
  const file = { path: '.github/workflows/good.yml', text: good };
  assert.deepEqual([...lint(file), ...faultsOf(file)], []);
});

for (const [from, to, finding] of bad) {
  test(`a bad workflow is found: ${finding.source}`, options, () => {
    assert.ok(good.includes(from), from);
    const file = { path: '.github/workflows/bad.yml', text: good.replace(from, to) };
    assert.match([...lint(file), ...faultsOf(file)].join('\n'), finding);
  });
}

test('Dependabot updates actions, npm packages, base images, and each program of the tests', () => {
  const { updates } = parse(readFileSync(`${root}.github/dependabot.yml`, 'utf8')) as {
    updates: readonly {
      'package-ecosystem': string;
      directory?: string;
      directories?: readonly string[];
      allow?: readonly { 'dependency-name': string }[];
    }[];
  };
  assert.deepEqual(
    updates.map((entry) => `${entry['package-ecosystem']} ${entry.directory ?? entry.directories?.join()}`),
    ['github-actions /', 'npm /,/site', 'docker /', 'gomod /test/binaries/*'],
  );
  const allowed = updates.flatMap(({ allow = [] }) => allow.map((entry) => entry['dependency-name']));
  const covers = (pattern: string, name: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  // docs/contributing/test-cluster.md describes how these versions are changed.
  const byHand = (recipe: Recipe) => /\/(?:kubernetes[^/]*|kubevirt)\/$/.test(moduleFolder(recipe));
  const modules = Object.values(recipes).flatMap((recipe) => (byHand(recipe) ? [] : [recipe.versionOf]));
  assert.deepEqual(
    modules.filter((name) => !allowed.some((pattern) => covers(pattern, name))),
    [],
  );
});

test('issue forms have a name, a description and fields with different IDs', () => {
  const forms = sourceFiles('.yml').filter(({ path }) => /^\.github\/ISSUE_TEMPLATE\/(?!config)/.test(path));
  assert.ok(forms.length >= 2);
  for (const { path, text } of forms) {
    const form = parse(text) as {
      name?: string;
      description?: string;
      body: readonly { type: string; id?: string; attributes: { label?: string; value?: string } }[];
    };
    assert.ok(form.name && form.description, path);
    const fields = form.body.filter(({ type }) => type !== 'markdown');
    assert.ok(fields.length > 0 && fields.every(({ id, attributes }) => id && attributes.label), path);
    assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length, path);
    assert.ok(
      fields.every(({ type }) => ['textarea', 'input', 'dropdown', 'checkboxes'].includes(type)),
      path,
    );
  }
});

/** Returns the findings of actionlint. It must not use programs that only some machines have. */
function lint({ path, text }: SourceFile): readonly string[] {
  const config = `${root}.github/actionlint.yaml`;
  const flags = ['-config-file', config, '-shellcheck=', '-pyflakes=', '-oneline', '-no-color'];
  const { status, stdout, stderr, error } = spawnSync(actionlint, [...flags, '-stdin-filename', path, '-'], {
    input: text,
    encoding: 'utf8',
  });
  assert.ok(status === 0 || status === 1, `actionlint: ${error?.message ?? stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Returns violations of the project's rules, which actionlint does not have. */
function faultsOf({ path, text }: SourceFile): readonly string[] {
  const { on, permissions, jobs } = parse(text) as Workflow;
  const triggers = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on);
  return [
    ...triggers
      .filter((name) => /^(?:pull_request_target|workflow_run|issue_comment)$/.test(name))
      .map((name) => `${name} runs with the rights of the repository for code of others`),
    ...(JSON.stringify(permissions) === '{}' ? [] : ['grants rights to all jobs: write permissions: {}']),
    ...[...text.matchAll(/^.*\buses: *(.*)$/gm)]
      .map(([, used = '']) => used)
      .filter((used) => !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(used))
      .map((used) => `${used.trim()}: not pinned by a commit with its version as comment`),
    ...Object.entries(jobs).flatMap(([name, job]) => faultsOfJob(path, name, job).map((fault) => `${name}: ${fault}`)),
  ].map((fault) => `${path}: ${fault}`);
}

function faultsOfJob(path: string, name: string, job: Job): readonly string[] {
  const rights = Object.entries(job.permissions ?? {});
  const runner = JSON.stringify(job['runs-on'] ?? '');
  return [
    ...(job.permissions === undefined ? ['has no permissions'] : []),
    ...rights
      .filter(([right, value]) => value === 'write' && writers[`${path} ${name} ${right}`] === undefined)
      .map(([right]) => `${right}: write is not explained in writers`),
    ...(job['timeout-minutes'] === undefined ? ['has no time limit'] : []),
    ...(/-latest/.test(runner) ? [`runs on ${JSON.parse(runner)}, which changes`] : []),
    ...(job.steps ?? [])
      .filter(({ uses }) => uses?.startsWith('actions/checkout@'))
      .filter((step) => step.with?.['persist-credentials'] !== false)
      .map(() => 'the checkout keeps credentials'),
  ];
}
