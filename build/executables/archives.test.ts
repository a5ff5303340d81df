// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { parse } from 'yaml';
import { encodeArchive, fillManifest } from './archives.ts';

const files = [
  { name: 'program', content: Buffer.from('x'.repeat(1_000)), mode: 0o755 },
  { name: 'LICENSE', content: Buffer.from('terms') },
];

test('a zip archive has each file with its permissions', async () => {
  const zip = await encodeArchive('zip', files);
  const end = zip.length - 22;
  assert.deepEqual([zip.readUInt32LE(end), zip.readUInt16LE(end + 10)], [0x06054b50, 2]);
  let at = zip.readUInt32LE(end + 16);
  for (const { name, content, mode = 0o644 } of files) {
    assert.equal(zip.readUInt32LE(at), 0x02014b50);
    assert.equal(zip.toString('utf8', at + 46, at + 46 + name.length), name);
    assert.equal(zip.readUInt32LE(at + 38) >>> 16, 0o100_000 | mode);
    const start = zip.readUInt32LE(at + 42) + 30 + name.length;
    assert.deepEqual(inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(at + 20))), content);
    at += 46 + name.length;
  }
  assert.equal(at, end);
});

test('archives of identical files are identical', async () => {
  for (const format of ['zip', 'tar.gz'] as const) {
    assert.deepEqual(await encodeArchive(format, files), await encodeArchive(format, files));
  }
});

const template = await readFile(new URL('krew-manifest.yaml', import.meta.url), 'utf8');

test('the manifest for krew has the version, and the address and hash of each archive', () => {
  const digests = { 'linux-amd64': 'a1', 'linux-arm64': 'a2', 'windows-amd64': 'a3' };
  const { spec } = parse(fillManifest(template, '1.2.3', 'https://example.com/x/', digests));
  assert.equal(spec.version, 'v1.2.3');
  assert.deepEqual(
    spec.platforms.map(({ uri, sha256 }: Record<string, string>) => [uri, sha256]),
    [
      ['https://example.com/x/kubectl-macvtap-1.2.3-linux-amd64.tar.gz', 'a1'],
      ['https://example.com/x/kubectl-macvtap-1.2.3-linux-arm64.tar.gz', 'a2'],
      ['https://example.com/x/kubectl-macvtap-1.2.3-windows-amd64.zip', 'a3'],
    ],
  );
});

test('a platform without an archive is an error', () => {
  assert.throws(
    () => fillManifest(template, '1.2.3', 'x', { 'linux-amd64': 'a1' }),
    /names linux-arm64, which was not/,
  );
});
