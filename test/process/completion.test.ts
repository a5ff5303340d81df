// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { makeCommandFolder } from './command-folder.ts';

const { shell, remove } = await makeCommandFolder();
after(remove);

const missing = (program: string) =>
  spawnSync(program, ['--version']).status === 0 ? false : `needs ${program}: apt-get install ${program}`;

/**
 * Calls the completion as readline does: with the line and its words. Bash makes = and : separate words. The last word
 * is completed.
 */
function completeInBash(line: string): readonly string[] {
  const parts = `kubectl-macvtap ${line}`.split(/ +|(?<=[=:])|(?=[=:])/);
  // After = or :, the word is empty, and bash passes the character itself.
  const words = /[=:]$/.test(line) ? parts.filter((part) => part !== '') : parts;
  const script = [
    'source <(kubectl-macvtap completion bash)',
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`,
    `COMP_LINE='kubectl-macvtap ${line}'; COMP_POINT=\${#COMP_LINE}`,
    '_kubectl_macvtap',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  return shell(['bash', '--norc', '-c', script]).trimEnd().split('\n');
}

describe('completion in bash', () => {
  it('has commands, flags, their values and files', () => {
    assert.deepEqual(completeInBash('st'), ['status']);
    assert.deepEqual(completeInBash('status --out'), ['--output']);
    assert.deepEqual(completeInBash('status -o '), ['table', 'json', 'yaml']);
    assert.deepEqual(completeInBash('status --output=j'), ['json']);
    assert.deepEqual(completeInBash('status --output='), ['table', 'json', 'yaml']);
    assert.deepEqual(completeInBash('completion '), ['bash', 'zsh', 'fish']);
    assert.deepEqual(completeInBash('plan -f pol'), ['policy.yaml']);
    assert.deepEqual(completeInBash('nonsense '), ['']);
    assert.deepEqual(completeInBash('why po'), ['pod/', 'policy/']);
    assert.deepEqual(completeInBash('status --source man'), ['manifests:']);
    assert.deepEqual(completeInBash('status --source manifests:'), ['files/']);
    assert.deepEqual(completeInBash('status --source=manifests:fi'), ['files/']);
    assert.deepEqual(completeInBash('why --source manifests:files pod/'), ['pod/vm']);
  });
});

describe('completion in zsh', { skip: missing('zsh') }, () => {
  it('shows descriptions', () => {
    const script = [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'compdef() {}; _files() { print files }; _describe() { print -rl -- "${(@P)2}" }',
      'source <(kubectl-macvtap completion zsh)',
      'words=(kubectl-macvtap st); CURRENT=2; _kubectl_macvtap',
      'words=(kubectl-macvtap status --output=j); CURRENT=3; _kubectl_macvtap',
      'words=(kubectl-macvtap plan -f ""); CURRENT=4; _kubectl_macvtap',
      'words=(kubectl-macvtap status --source man); CURRENT=4; _kubectl_macvtap',
    ].join('\n');
    assert.deepEqual(shell(['zsh', '-f', '-c', script]).trimEnd().split('\n'), [
      'status:Show the resources of every node, their health and the result of each policy',
      '--output=json:--output=json',
      'files',
      'manifests\\::a directory of YAML',
    ]);
  });
});

describe('completion in fish', { skip: missing('fish') }, () => {
  it('shows descriptions', () => {
    const complete = (line: string) =>
      shell(['fish', '--no-config', '-c', `kubectl-macvtap completion fish | source; complete -C '${line}'`]).trimEnd();
    assert.equal(
      complete('kubectl-macvtap st'),
      'status\tShow the resources of every node, their health and the result of each policy',
    );
    assert.equal(complete('kubectl-macvtap status -o j'), 'json');
    assert.match(complete('kubectl-macvtap plan -f pol'), /^policy\.yaml/);
  });
});
