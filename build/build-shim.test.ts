// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildShim, hasCompiler, shimFlags } from './build-shim.ts';

/** Creates a fake C compiler. It records each call, and runs the given shell command instead of compiling. */
async function stage(compile = 'printf program > "$target"') {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-build-'));
  const compiler = join(folder.path, 'cc');
  const script = `#!/bin/sh
echo "$*" >> ${folder.path}/calls
case "$*" in *--version) cat ${folder.path}/version; exit ;; esac
while [ "$1" != -o ]; do shift; done
target=$2
${compile}`;
  await writeFile(compiler, script);
  await chmod(compiler, 0o755);
  await writeFile(join(folder.path, 'version'), 'cc 1.0');
  const output = join(folder.path, 'programs');
  return {
    folder: folder.path,
    output,
    compiler,
    build: (words = '', flags = shimFlags) => buildShim({ compiler: `${compiler} ${words}`, flags, folder: output }),
    setVersion: (text: string) => writeFile(join(folder.path, 'version'), text),
    compiled: async () =>
      (await readFile(join(folder.path, 'calls'), 'utf8')).split('\n').filter((call) => call.includes(' -o ')),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('the shim is compiled once, and again only when the compiler, its arguments or the flags change', async () => {
  await using here = await stage();
  const path = await here.build('-target arm');
  assert.equal(await readFile(path, 'utf8'), 'program');
  assert.equal(await here.build('-target arm'), path);
  const [call = '', ...more] = await here.compiled();
  assert.deepEqual(more, []);
  assert.ok(call.startsWith(`-target arm ${shimFlags.join(' ')} -o `));
  assert.match(call, /\/nodeplugin\/cni\/shim\/macvtap\.c$/);
  const others = [await here.build(), await here.build('', ['-g'])];
  await here.setVersion('cc 1.1');
  others.push(await here.build());
  assert.equal(new Set([path, ...others]).size, 4);
  assert.equal((await readdir(here.output)).length, 4);
});

test('two concurrent builds both return the program', async () => {
  await using here = await stage('sleep 0.2; printf program > "$target"');
  const [one, two] = await Promise.all([here.build(), here.build()]);
  assert.equal(one, two);
  assert.equal(await readFile(one, 'utf8'), 'program');
  assert.equal((await readdir(here.output)).length, 1);
});

test('a failed compilation reports the output of the compiler, and leaves no file', async () => {
  await using here = await stage('printf half > "$target"; echo "macvtap.c:7: error: unknown type" >&2; exit 1');
  await assert.rejects(here.build(), {
    code: 'ShimNotBuilt',
    message: /with .*\/cc : macvtap\.c:7: error: unknown type$/,
  });
  assert.deepEqual(await readdir(here.output), []);
});

test('the error for a missing compiler names the packages to install', async () => {
  await using here = await stage();
  const message = /there is no \/nowhere\/cc; install it \(apt-get install gcc musl-tools\) or name another .* --cc/;
  await assert.rejects(buildShim({ compiler: '/nowhere/cc', folder: here.output }), { code: 'ShimNotBuilt', message });
  assert.equal(await hasCompiler('/nowhere/cc'), false);
  assert.equal(await hasCompiler(here.compiler), true);
});
