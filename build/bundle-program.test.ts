// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { copyKoffi, readLicences, renderLicences } from './bundle-program.ts';

test('the error for missing native code contains the command that installs it', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-koffi-'));
  const options = { modules: '/nowhere', folder: folder.path, architecture: 'arm64' } as const;
  await assert.rejects(
    copyKoffi(options),
    /^Error: \/nowhere lacks koffi\/.*npm ci --omit=dev --os=linux --cpu=arm64$/,
  );
});

async function stage(files: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-licences-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  return folder;
}

const packageText = (name: string) => JSON.stringify({ name, version: '1.0.0', license: 'MIT' });

test('the licences of a bundle list each package once, including nested and scoped packages', async () => {
  await using folder = await stage({
    'node_modules/b/package.json': packageText('b'),
    'node_modules/b/LICENSE': 'terms of b\n',
    'node_modules/b/NOTICE.md': 'notice of b\n',
    'node_modules/b/node_modules/@s/a/package.json': packageText('@s/a'),
    'node_modules/b/node_modules/@s/a/licence-mit.txt': 'terms of a',
    'node_modules/c/package.json': packageText('c'),
    'node_modules/c/lib/LICENSE': 'of something else',
    'node_modules/unused/package.json': packageText('unused'),
  });
  const files = ['b/lib/one.js', 'b/lib/two.js', 'b/node_modules/@s/a/index.js', 'c/lib/index.js'];
  const licences = await readLicences(folder.path, ['webhook/main.ts', ...files.map((file) => `node_modules/${file}`)]);
  assert.deepEqual(licences, [
    { name: '@s/a', version: '1.0.0', licence: 'MIT', texts: ['terms of a'] },
    { name: 'b', version: '1.0.0', licence: 'MIT', texts: ['terms of b\n', 'notice of b\n'] },
    { name: 'c', version: '1.0.0', licence: 'MIT', texts: [] },
  ]);
  const text = renderLicences(licences);
  assert.match(text, /\n-+\n\nb 1\.0\.0: MIT\n\nterms of b\n\nnotice of b\n\n-+\n\nc 1\.0\.0: MIT\n$/);
});

test('a package without a licence in its package.json is an error', async () => {
  await using folder = await stage({ 'node_modules/a/package.json': '{"name": "a", "version": "1.0.0"}' });
  await assert.rejects(
    readLicences(folder.path, ['node_modules/a/index.js']),
    /node_modules\/a\/package\.json does not/,
  );
});
