// SPDX-License-Identifier: Apache-2.0
// Runs npm as the Dockerfiles do, with the settings of this repository, and with a registry that fails at first.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runTool } from '../machines/run-tool.ts';
import { plainEnvironment } from './plain-environment.ts';
import { startProcess } from './start-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The only package of the registry. */
const [name, version] = ['one', '1.0.0'];

/** Answers a request for the archive wrongly. */
type Failure = (response: ServerResponse, archive: Buffer) => void;

const failures: Readonly<Record<string, Failure>> = {
  'closes the connection': (response) => void response.socket?.destroy(),
  'is overloaded': (response) => void response.writeHead(503).end(),
  'breaks off the download': (response, archive) => {
    response.writeHead(200, { 'content-length': archive.length });
    response.write(archive.subarray(0, archive.length / 2), () => response.socket?.destroy());
  },
};

/** Starts a registry on loopback that answers the first request for the archive wrongly. */
async function startRegistry(archive: Buffer, integrity: string, fail: Failure) {
  let requests = 0;
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.tgz') === true) {
      requests += 1;
      if (requests === 1) return fail(response, archive);
      return void response.end(archive);
    }
    const tarball = `${url}/${name}/-/${name}-${version}.tgz`;
    const versions = { [version]: { name, version, dist: { tarball, integrity } } };
    response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Packs the package. */
async function pack(folder: string): Promise<Buffer> {
  await mkdir(join(folder, 'package'));
  await writeFile(join(folder, 'package/package.json'), JSON.stringify({ name, version }));
  // Larger than the buffers of a connection, so that a broken download is incomplete.
  await writeFile(join(folder, 'package/data'), randomBytes(1 << 20));
  await runTool('tar', '-C', folder, '-czf', join(folder, 'archive'), 'package');
  return await readFile(join(folder, 'archive'));
}

/** Returns the command of a Dockerfile that installs the packages. */
async function installCommand(dockerfile: string): Promise<string> {
  const text = await readFile(join(root, dockerfile), 'utf8');
  return /^RUN --mount=\S+ (npm ci.*)$/m.exec(text)?.[1] ?? assert.fail(`${dockerfile} does not run npm ci`);
}

it('both Dockerfiles install the packages with the same command', async () => {
  assert.equal(await installCommand('Dockerfile.node'), await installCommand('Dockerfile.webhook'));
});

for (const [what, fail] of Object.entries(failures)) {
  it(`npm installs a package although the registry first ${what}`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-npm-'));
    const archive = await pack(folder.path);
    const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    await using registry = await startRegistry(archive, integrity, fail);
    const project = join(folder.path, 'project');
    await mkdir(project);
    const own = { name: 'project', version, dependencies: { [name]: version } };
    const packages = { '': own, [`node_modules/${name}`]: { version, integrity } };
    const lock = { name: own.name, version, lockfileVersion: 3, requires: true, packages };
    await writeFile(join(project, 'package.json'), JSON.stringify(own));
    await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock));
    await copyFile(join(root, '.npmrc'), join(project, '.npmrc'));
    await using npm = startProcess({
      name: 'npm ci',
      command: ['env', '-C', project, 'sh', '-c', await installCommand('Dockerfile.webhook')],
      environment: {
        ...(plainEnvironment() as Record<string, string>),
        npm_config_registry: registry.url,
        npm_config_cache: join(folder.path, 'cache'),
        npm_config_userconfig: '/dev/null',
        npm_config_update_notifier: 'false',
        no_proxy: '127.0.0.1',
      },
    });
    assert.equal((await npm.exit).code, 0, npm.output);
    assert.equal(registry.requests(), 2);
    const installed = await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8');
    assert.equal(JSON.parse(installed).version, version);
  });
}
