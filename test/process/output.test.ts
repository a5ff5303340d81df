// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';

const readSeed = (name: string) => readFile(new URL(`../fixtures/seed/${name}`, import.meta.url), 'utf8');
const program = fileURLToPath(new URL('../../cli/kubectl-macvtap.ts', import.meta.url));
const directory = await ManifestsDirectory.make({
  'nodes.yaml': await readSeed('nodes.yaml'),
  'policy.yaml': await readSeed('node-centric/policy.yaml'),
  // More output than a pipe can buffer.
  'many.yaml': Array.from(
    { length: 2_000 },
    (_, index) => `apiVersion: v1\nkind: Node\nmetadata: { name: n${index} }`,
  ).join('\n---\n'),
});
after(() => directory[Symbol.asyncDispose]());

/** Names with characters that a terminal would reorder, hide, or execute. */
const hostile = 'eth1\\u202egnp\\u009b8m\\u200b\\e[8m';
const hostileFiles = await ManifestsDirectory.make({
  'node.yaml': await readSeed('nodes.yaml'),
  'policy.yaml': [
    'apiVersion: macvtap.network.kubevirt.io/v1alpha1',
    'kind: MacvtapNetworkNodePolicy',
    'metadata: { name: p, namespace: macvtap-cni }',
    `spec: { parentSelector: [{ parentIface: "${hostile}", resourceName: "${hostile}" }] }`,
    '---',
    'apiVersion: v1',
    'kind: ConfigMap',
    `metadata: { name: macvtap-deviceplugin-config, namespace: macvtap-cni }`,
    `data: { DP_MACVTAP_CONF: '[{"name":"a\\u202eb","lowerDevice":"eth\\u009b1"}]' }`,
    '---',
    'apiVersion: k8s.cni.cncf.io/v1',
    'kind: NetworkAttachmentDefinition',
    'metadata: { name: net, namespace: default }',
    `spec: { config: "{\\"type\\":\\"macvtap\\",\\"x${hostile.replace('\\e', '')}\\":1,\\"mode\\":\\"a${hostile.replace('\\e', '')}\\"}" }`,
  ].join('\n'),
});
after(() => hostileFiles[Symbol.asyncDispose]());

/** Runs a line in which `$M` is the program, and `$D` the directory as a source. */
function shell(line: string) {
  const env = { ...process.env, M: `${process.execPath} ${program}`, D: `--source=manifests:${directory.path}` };
  const { stdout, stderr } = spawnSync('bash', ['-c', `${line}; echo "codes $\{PIPESTATUS[*]}"`], {
    env,
    encoding: 'utf8',
  });
  return { stdout, stderr };
}

describe('names from files', () => {
  const at = `--source=manifests:${hostileFiles.path}`;
  const lines = [
    ...['table', 'json', 'yaml'].flatMap((output) => [
      ['status', at, '-o', output],
      ['plan', at, '-o', output],
      ['why', 'policy/p', at, '-o', output],
    ]),
    ['plan', at, '--delete', 'policy/p'],
    ['graph', at],
    ['graph', at, '-o', 'yaml'],
    ['migrate', at, '--unproved'],
    ['migrate', '-f', `${hostileFiles.path}/policy.yaml`, at],
    ['support-bundle', at, '-o', 'json'],
    ...['text', 'json', 'sarif', 'github'].map((output) => ['lint', hostileFiles.path, '-o', output]),
    ['no\u202esuch'],
    ['why', 'pod/\u202e', at],
  ];
  for (const line of lines) {
    it(`are printed without characters that a terminal does not show: ${line.map((word) => word.replace(/[^ -~]/g, '?').replace(hostileFiles.path, 'DIR')).join(' ')}`, () => {
      const { stdout, stderr } = spawnSync(process.execPath, [program, ...line], { encoding: 'utf8' });
      assert.notEqual(stdout + stderr, '');
      // Line breaks and tabs are not replaced.
      assert.doesNotMatch(stdout + stderr, /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u);
    });
  }
});

describe('output', () => {
  for (const command of ['status $D', 'plan $D', 'plan $D --delete policy/policy-1', 'graph $D', 'why node/h3 $D']) {
    it(`of ${command} that cannot be written is reported as a failure`, () => {
      const { stdout, stderr } = shell(`$M ${command} > /dev/full`);
      assert.match(stderr, /^kubectl macvtap \w+: standard output: ENOSPC/m);
      assert.match(stdout, /^codes [12]$/m);
    });

    it(`of ${command} may be left unread`, () => {
      const { stdout, stderr } = shell(`$M ${command} | head -c 1 | wc -c`);
      assert.match(stdout, /^1\ncodes [01] 0 0$/m);
      assert.doesNotMatch(stderr, /EPIPE|Error/);
    });
  }

  it('of support-bundle is also available as JSON, for scripts', () => {
    const { stdout } = shell('$M support-bundle $D -o json');
    const files = JSON.parse(stdout.replace(/codes 0\n$/, ''));
    assert.match(files['policies.yaml'], /name: policy-1/);
    assert.equal(typeof files['notes.txt'], 'string');
  });

  it('of support-bundle may be left unread, and is not printed to a terminal', () => {
    const { stdout, stderr } = shell('$M support-bundle $D -o - | head -c 1 | wc -c');
    assert.match(stdout, /^1\ncodes [01] 0 0$/m);
    assert.doesNotMatch(stderr, /EPIPE|Error/);
    const shown = shell('script --quiet --return --command "$M support-bundle $D -o -" /dev/null');
    assert.match(shown.stdout, /an archive cannot be shown on a terminal/);
    assert.match(shown.stdout, /^codes 2$/m);
  });
});
