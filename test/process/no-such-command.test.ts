// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProgram } from './run-program.ts';

const run = (...argv: readonly string[]) => runProgram('cli/kubectl-macvtap.ts', argv);

describe('an unknown command', () => {
  it('is answered with the most similar command', async () => {
    const stderr =
      'kubectl macvtap: statsu: no such command; did you mean status? kubectl macvtap --help lists them all\n';
    assert.deepEqual(await run('statsu', '-o', 'json'), { code: 2, stdout: '', stderr });
  });

  it('is answered with the command that begins like it', async () => {
    assert.match((await run('stat')).stderr, /; did you mean status\?/);
  });

  it('is answered with all commands if none is similar', async () => {
    const { code, stdout, stderr } = await run('constructor');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(
      stderr,
      /^kubectl macvtap: constructor: no such command\n\n[\s\S]*\n {2}status +Show the resources of every node/,
    );
  });
});
