// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { makeCommandFolder } from './command-folder.ts';

const { shell, remove } = await makeCommandFolder();
after(remove);

const missing = (program: string) =>
  spawnSync(program, ['--version']).status === 0 ? false : `needs ${program}: apt-get install ${program}`;

/** As readline calls it: the words of the line, of which the last one is completed. */
function completeInBash(...words: readonly string[]): readonly string[] {
  const quoted = ['kubectl-macvtap', ...words].map((word) => `'${word}'`).join(' ');
  const script = [
    'source <(kubectl-macvtap completion bash)',
    `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}`,
    '_kubectl_macvtap',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  return shell(['bash', '--norc', '-c', script]).trimEnd().split('\n');
}

describe('completion in bash', () => {
  it('knows commands, flags, their values and files', () => {
    assert.deepEqual(completeInBash('st'), ['status']);
    assert.deepEqual(completeInBash('status', '--out'), ['--output']);
    assert.deepEqual(completeInBash('status', '-o', ''), ['table', 'json', 'yaml']);
    assert.deepEqual(completeInBash('status', '--output', '=', 'j'), ['json']);
    assert.deepEqual(completeInBash('status', '--output', '='), ['table', 'json', 'yaml']);
    assert.deepEqual(completeInBash('completion', ''), ['bash', 'zsh', 'fish']);
    assert.deepEqual(completeInBash('plan', '-f', 'pol'), ['policy.yaml']);
    assert.deepEqual(completeInBash('nonsense', ''), ['']);
  });
});

describe('completion in zsh', { skip: missing('zsh') }, () => {
  it('describes what it knows', () => {
    const script = [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'compdef() {}; _files() { print files }; _describe() { print -l -- "${(@P)2}" }',
      'source <(kubectl-macvtap completion zsh)',
      'words=(kubectl-macvtap st); CURRENT=2; _kubectl_macvtap',
      'words=(kubectl-macvtap status --output=j); CURRENT=3; _kubectl_macvtap',
      'words=(kubectl-macvtap plan -f ""); CURRENT=4; _kubectl_macvtap',
    ].join('\n');
    assert.deepEqual(shell(['zsh', '-f', '-c', script]).trimEnd().split('\n'), [
      'status:what every node offers, how much of it is held, and how that is',
      '--output=json:--output=json',
      'files',
    ]);
  });
});

describe('completion in fish', { skip: missing('fish') }, () => {
  it('describes what it knows', () => {
    const complete = (line: string) =>
      shell(['fish', '--no-config', '-c', `kubectl-macvtap completion fish | source; complete -C '${line}'`]).trimEnd();
    assert.equal(
      complete('kubectl-macvtap st'),
      'status\twhat every node offers, how much of it is held, and how that is',
    );
    assert.equal(complete('kubectl-macvtap status -o j'), 'json');
    assert.match(complete('kubectl-macvtap plan -f pol'), /^policy\.yaml/);
  });
});
