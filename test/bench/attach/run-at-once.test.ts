// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compilerHint, hasCompiler, shimCompiler } from '../../../build/build-shim.ts';
import { compileProgram } from './compile-program.ts';
import { runAtOnce } from './run-at-once.ts';

const options = { skip: (await hasCompiler(shimCompiler)) ? false : `needs a C compiler: ${compilerHint}` };

/** Compiles the launcher, and writes a shell script for it to start. */
async function makePrograms(script: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-launch-'));
  const program = join(folder.path, 'script');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const launcher = await compileProgram('at-once', folder.path);
  return { launcher, program, folder: folder.path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('each program has its environment, its input and its duration', options, async () => {
  await using made = await makePrograms('cat > "$OUT"');
  const call = (name: string) => ({
    program: made.program,
    environment: { PATH: process.env.PATH ?? '', OUT: join(made.folder, name) },
    stdin: `input of ${name}`,
  });
  const times = await runAtOnce(made.launcher, ['a', 'b', 'c'].map(call));
  assert.deepEqual(
    times.map((time) => time > 0),
    [true, true, true],
  );
  for (const name of ['a', 'b', 'c']) {
    assert.equal(await readFile(join(made.folder, name), 'utf8'), `input of ${name}`);
  }
});

test('a program that fails is an error with its output', options, async () => {
  await using made = await makePrograms('echo "why: $1$CODE"; exit 3');
  const call = { program: made.program, environment: { CODE: '7' }, stdin: '' };
  await assert.rejects(runAtOnce(made.launcher, [call]), /failed: .*script: status 768: why: 7/);
});

test('a program that does not exist is an error', options, async () => {
  await using made = await makePrograms('');
  const call = { program: join(made.folder, 'nothing-here'), environment: {}, stdin: '' };
  await assert.rejects(runAtOnce(made.launcher, [call]), /failed/);
});
