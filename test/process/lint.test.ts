// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';

const policy = await readFile(new URL('../fixtures/seed/node-centric/policy.yaml', import.meta.url), 'utf8');
const program = fileURLToPath(new URL('../../cli/kubectl-macvtap.ts', import.meta.url));

function network(resource: string, ...config: readonly string[]): string {
  return [
    'apiVersion: k8s.cni.cncf.io/v1',
    'kind: NetworkAttachmentDefinition',
    'metadata:',
    '  name: net',
    '  annotations:',
    `    k8s.v1.cni.cncf.io/resourceName: macvtap.network.kubevirt.io/${resource}`,
    'spec:',
    '  config: |',
    ...config.map((line) => `    ${line}`),
    '',
  ].join('\n');
}

const good = network('bondedIface', '{ "type": "macvtap" }');
const bad = network('bondedIfcae', '{', '  "type": "macvtap",', '  "modus": "vepa",', '  "mtu": 5', '}');

const typo = 'metadata.annotations[k8s.v1.cni.cncf.io/resourceName]';

/** Lints a directory with these files. File names in the output are relative to it. */
async function lint(files: Readonly<Record<string, string>>, ...flags: readonly string[]) {
  await using directory = await ManifestsDirectory.make(files);
  const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['lint', directory.path, ...flags]);
  const relative = (text: string) =>
    text.replaceAll(`${directory.path}/`, '').replaceAll(`${directory.path.slice(1)}/`, '');
  return { code, stdout: relative(stdout), stderr: relative(stderr) };
}

const files = { 'network.yaml': bad, 'policy.yaml': policy };

describe('the lint command', () => {
  it('prints only how much it read, and succeeds, if every object is valid', async () => {
    assert.deepEqual(await lint({ 'network.yaml': good, 'policy.yaml': policy }), {
      code: 0,
      stdout: '',
      stderr: '2 files, 2 objects checked: 0 errors, 0 warnings\n',
    });
  });

  it('prints file, line, severity, code and path of each error, and fails', async () => {
    const { code, stdout, stderr } = await lint(files);
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(': ').slice(0, 3).join(': ')),
      [
        `network.yaml:6: error: ResourceUnknown ${typo}`,
        'network.yaml:11: warning: UnknownKey spec.config.modus',
        'network.yaml:12: error: IllegalMtu spec.config.mtu',
      ],
    );
    assert.match(stdout, /did you mean bondedIface\?/);
    assert.deepEqual([code, stderr], [1, '2 files, 2 objects checked: 2 errors, 1 warning\n']);
  });

  it('succeeds if there are only warnings', async () => {
    const { code, stdout } = await lint({
      ...files,
      'network.yaml': network('bondedIface', '{"type":"macvtap","x":1}'),
    });
    assert.equal(code, 0);
    assert.match(stdout, /^network\.yaml:9: warning: UnknownKey/);
  });

  it('treats an unknown resource as its flag requires', async () => {
    const unknown = { ...files, 'network.yaml': network('nothing', '{"type":"macvtap"}') };
    const [warned, allowed] = await Promise.all([
      lint(unknown, '--unknown-resource', 'Warn'),
      lint(unknown, '--unknown-resource=Allow'),
    ]);
    assert.match(warned.stdout, /^network\.yaml:6: warning: ResourceUnknown/);
    assert.deepEqual([warned.code, allowed.code, allowed.stdout], [0, 0, '']);
  });

  it('prints JSON, SARIF and workflow commands, and nothing else with them', async () => {
    const [json, sarif, github] = await Promise.all([
      lint(files, '-o', 'json'),
      lint(files, '-o', 'sarif'),
      lint(files, '-o', 'github'),
    ]);
    for (const { code, stderr } of [json, sarif, github]) assert.deepEqual([code, stderr], [1, '']);
    const { message, ...finding } = JSON.parse(json.stdout)[2];
    assert.deepEqual(finding, {
      file: 'network.yaml',
      line: 12,
      object: 'NetworkAttachmentDefinition default/net',
      code: 'IllegalMtu',
      severity: 'error',
      path: 'spec.config.mtu',
      help: 'Write an integer from 68 to 65535, or remove mtu.',
      reference: 'docs/reference/reasons.md#IllegalMtu',
    });
    assert.match(message, /mtu 5/);
    assert.deepEqual(
      JSON.parse(sarif.stdout).runs[0].results.map(({ ruleId, level }: { ruleId: string; level: string }) => [
        ruleId,
        level,
      ]),
      [
        ['ResourceUnknown', 'error'],
        ['UnknownKey', 'warning'],
        ['IllegalMtu', 'error'],
      ],
    );
    assert.match(github.stdout, /^::warning file=\S*network\.yaml,line=11,title=UnknownKey::/m);
  });

  it('reads standard input for -, in addition to files', () => {
    const path = fileURLToPath(new URL('../fixtures/seed/node-centric/policy.yaml', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'lint', path, '-'], {
      input: bad,
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stdout, /^-:12: error: IllegalMtu/m);
    assert.match(stderr, /^2 files, 2 objects/);
  });

  it('prints the reason for each unreadable file, checks the rest, and fails', async () => {
    await using directory = await ManifestsDirectory.make(files);
    const missing = join(directory.path, 'nowhere');
    const { code, stdout } = await runProgram('cli/kubectl-macvtap.ts', ['lint', missing, directory.path]);
    assert.equal(code, 1);
    assert.ok(stdout.startsWith(`${missing}:1: error: FileUnreadable`), stdout);
    assert.match(stdout, /IllegalMtu/);
  });
});

const misuses = [
  { title: 'without a file', flags: [], says: /<file\.\.\.>: missing/ },
  { title: 'with an unknown flag', flags: ['a', '--fix'], says: /--fix: no such flag/ },
  { title: 'with an unknown format', flags: ['a', '-o', 'xml'], says: /xml: write one of text, json, sarif, github/ },
  {
    title: 'with an unknown value of --unknown-resource',
    flags: ['a', '--unknown-resource=No'],
    says: /write one of Deny, Warn, Allow/,
  },
] as const;

describe('the lint command, called wrongly', () => {
  for (const { title, flags, says } of misuses) {
    it(`${title}, reports that and exits with the code for misuse`, async () => {
      const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['lint', ...flags]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^kubectl macvtap lint: /);
      assert.match(stderr, says);
    });
  }

  it('with --help, prints every flag on standard output and succeeds', async () => {
    const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['lint', '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: kubectl macvtap lint <file\.\.\.> \[flags\]$/m);
    for (const flag of ['output', 'unknown-resource', 'multus-namespace', 'installation-namespace']) {
      assert.match(stdout, new RegExp(`^ +(-o, )?--${flag}\\b`, 'm'));
    }
  });
});
