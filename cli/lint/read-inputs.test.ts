// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { readInputs } from './read-inputs.ts';

const nothing = () => Readable.from([]);

/** Creates a directory with files. The text of each file is its path. */
async function makeTree(...paths: readonly string[]) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'kube-macvtap-lint-'));
  for (const path of paths) {
    await mkdir(join(directory.path, dirname(path)), { recursive: true });
    await writeFile(join(directory.path, path), path);
  }
  return directory;
}

/** Returns the inputs for paths below a directory. @example `sub/a.yaml named` */
async function namesIn(directory: string, ...paths: readonly string[]): Promise<readonly string[]> {
  const inputs = await readInputs(
    paths.map((path) => join(directory, path)),
    nothing(),
  );
  return inputs.map(({ name, isNamed }) => `${relative(directory, name)}${isNamed ? ' named' : ''}`);
}

describe('the files to be linted', () => {
  it('are all files below a directory in the order of their paths, except hidden files and node_modules', async () => {
    await using tree = await makeTree(
      'b.yml',
      'a/c.json',
      'a/d.yaml',
      'e.txt',
      '.git/f.yaml',
      'node_modules/g/h.yaml',
      '.i.yaml',
    );
    assert.deepEqual(await namesIn(tree.path, ''), ['a/c.json', 'a/d.yaml', 'b.yml']);
  });

  it('are the named files in the given order, even files that are skipped in directories', async () => {
    await using tree = await makeTree('e.txt', '.hidden/f.yaml', 'a.yaml');
    assert.deepEqual(await namesIn(tree.path, 'e.txt', '.hidden', 'a.yaml'), [
      'e.txt named',
      '.hidden/f.yaml',
      'a.yaml named',
    ]);
  });

  it('are read once, by their first name', async () => {
    await using tree = await makeTree('a/x.yaml', 'a/z.yaml');
    await symlink('x.yaml', join(tree.path, 'a/y.yaml'));
    assert.deepEqual(await namesIn(tree.path, 'a/z.yaml', 'a', 'a/y.yaml'), ['a/z.yaml named', 'a/x.yaml']);
  });

  it('do not include links to directories, sockets and pipes', async () => {
    await using tree = await makeTree('a.yaml', 'b.yaml/c.yaml');
    await symlink(tree.path, join(tree.path, 'loop'));
    await symlink(tree.path, join(tree.path, 'loop.yaml'));
    await using server = createServer().listen(join(tree.path, 'socket.yaml'));
    await once(server, 'listening');
    assert.deepEqual(await namesIn(tree.path, ''), ['a.yaml', 'b.yaml/c.yaml']);
  });
});

describe('the text of a file', () => {
  it('is read from standard input for -, only once', async () => {
    const inputs = await readInputs(['-', '-'], Readable.from([Buffer.from('a: ä')]));
    assert.deepEqual(inputs, [{ name: '-', isNamed: true, content: { text: 'a: ä' } }]);
  });

  it('is correct if a character is split over two chunks, and has no byte order mark', async () => {
    const bytes = Buffer.from('\uFEFFä');
    const [input] = await readInputs(['-'], Readable.from([bytes.subarray(0, 4), bytes.subarray(4)]));
    assert.deepEqual(input?.content, { text: 'ä' });
  });

  it('is an error for a missing file, and for a broken link', async () => {
    await using tree = await makeTree('a.yaml');
    await symlink('nowhere', join(tree.path, 'b.yaml'));
    const inputs = await readInputs([tree.path, join(tree.path, 'c.yaml')], nothing());
    const faults = inputs.map(({ content }) => ('fault' in content ? content.fault.slice(0, 6) : content.text));
    assert.deepEqual(faults, ['a.yaml', 'ENOENT', 'ENOENT']);
  });

  it('is an error if it is not UTF-8', async () => {
    const [input] = await readInputs(['-'], Readable.from([Buffer.from([0x61, 0xff])]));
    assert.deepEqual(input?.content, { fault: 'not UTF-8: save the file as UTF-8' });
  });

  it('is an error if the input exceeds the limit, and the rest is not read', async () => {
    let chunks = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          chunks += 1;
          yield Buffer.alloc(1024 * 1024);
        }
      })(),
    );
    const [input] = await readInputs(['-'], endless);
    assert.match(JSON.stringify(input?.content), /split it/);
    assert.ok(chunks < 100, `${chunks}`);
  });
});
