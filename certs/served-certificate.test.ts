// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { until } from '../test/process/until.ts';
import type { Pair } from './certificate-state.ts';
import { followFiles } from './served-certificate.ts';
import { makePair } from './serving-pair.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-files-'));
const put = async (directory: string, { certPem, keyPem }: Pick<Pair, 'certPem' | 'keyPem'>) => {
  await writeFile(join(directory, 'tls.crt'), certPem);
  await writeFile(join(directory, 'tls.key'), keyPem);
};

describe('files that another program writes', () => {
  let one: Pair;
  let other: Pair;
  let expired: Pair;
  before(async () => {
    const times = { names: ['a'], notBeforeMs: 0, notAfterMs: Date.now() + 3_600_000 };
    one = await makePair(times);
    other = await makePair(times);
    expired = await makePair({ ...times, notAfterMs: Date.now() - 5_000 });
  });

  it('are loaded, and loaded again after kubelet swaps them', async () => {
    await using directory = await temporaryDirectory();
    const path = (name: string) => join(directory.path, name);
    await mkdir(path('..1'));
    await put(path('..1'), one);
    await symlink('..1', path('..data'));
    for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, path(file));
    await using followed = await followFiles({ directory: directory.path, pollMs: 600_000 });
    assert.deepEqual([followed.current?.serial, followed.problems], [one.serial, []]);
    const seen: (string | undefined)[] = [];
    using _listening = followed.onChange(() => seen.push(followed.current?.serial));
    await mkdir(path('..2'));
    await put(path('..2'), other);
    await symlink('..2', path('..data_tmp'));
    await rename(path('..data_tmp'), path('..data'));
    await until(
      async () => seen,
      () => followed.current?.serial === other.serial,
    );
    assert.deepEqual(seen.at(-1), other.serial);
  });

  it('are loaded when they appear later', async () => {
    await using directory = await temporaryDirectory();
    const certs = join(directory.path, 'certs');
    await using followed = await followFiles({ directory: certs, pollMs: 20 });
    assert.deepEqual([followed.current], [undefined]);
    assert.match(followed.problems[0]?.message ?? '', /ENOENT.*tls\.crt/);
    await mkdir(certs);
    await put(certs, one);
    await until(
      async () => followed.problems,
      (problems) => problems.length === 0,
    );
    assert.equal(followed.current?.serial, one.serial);
  });

  const problems: Readonly<Record<string, readonly [(directory: string) => Promise<void>, RegExp]>> = {
    'half-written': [
      (d) => writeFile(join(d, 'tls.crt'), one.certPem.slice(0, 300)),
      /tls\.crt contains no certificate/,
    ],
    'of two pairs': [(d) => writeFile(join(d, 'tls.key'), other.keyPem), /the key does not belong to the certificate/],
    expired: [(d) => put(d, expired), /tls\.crt expired at .*; renew it, or check the clock of the machine/],
    gone: [(d) => rm(join(d, 'tls.key')), /ENOENT/],
  };
  for (const [what, [spoil, message]] of Object.entries(problems)) {
    it(`that are ${what} cause a problem, and the loaded pair stays in use`, async () => {
      await using directory = await temporaryDirectory();
      await put(directory.path, one);
      await using followed = await followFiles({ directory: directory.path, pollMs: 20 });
      await spoil(directory.path);
      await until(
        async () => followed.problems[0]?.message ?? '',
        (text) => message.test(text),
      );
      assert.deepEqual([followed.current?.serial, followed.problems[0]?.code], [one.serial, 'FilesUnusable']);
      await put(directory.path, other);
      await until(
        async () => followed.problems,
        (left) => left.length === 0,
      );
      assert.equal(followed.current?.serial, other.serial);
    });
  }

  it('that have expired at the start are not loaded', async () => {
    await using directory = await temporaryDirectory();
    await put(directory.path, expired);
    await using followed = await followFiles({ directory: directory.path });
    assert.equal(followed.current, undefined);
  });
});
