// SPDX-License-Identifier: Apache-2.0
// Tests the images of the working tree: their content, and their programs in their own root file systems.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { runTool } from '../machines/run-tool.ts';
import { makePluginNode, policyObject } from '../process/plugin-node.ts';
import { until } from '../process/until.ts';
import { cacheFolder, ensureImages } from './ensure-images.ts';
import { imageKinds, readInputs, root } from './image-inputs.ts';
import { readNpmAccess } from './npm-access.ts';
import { openImage } from './open-image.ts';
import { readStart } from './read-start.ts';
import { openBuildah } from './run-buildah.ts';
import { runInImage } from './run-in-image.ts';

const archives = await ensureImages();
// A concurrent build would remove the containers under test.
const lock = await waitForLock(cacheFolder, console.error);
const buildah = openBuildah(cacheFolder);
const images = {
  webhook: await openImage(buildah, archives.webhook),
  node: await openImage(buildah, archives.node),
};
after(async () => {
  for (const kind of imageKinds) await images[kind][Symbol.asyncDispose]();
  await lock[Symbol.asyncDispose]();
});

/** The largest size of the project's own part, in bytes. Node.js and its libraries do not count. */
const largest = { webhook: 15e6, node: 20e6 } as const;

const users = { webhook: '65532:65532', node: '0:0' } as const;

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

for (const kind of imageKinds) {
  describe(`the image of the ${kind}`, () => {
    const image = images[kind];
    const settings = image.config.config;

    it('has its name, and labels with its purpose, version and license', async () => {
      const { version, revision } = await readInputs(kind);
      assert.deepEqual(image.content.RepoTags, [`localhost/kube-macvtap-${kind}:${version}`]);
      const { Labels: labels = {} } = settings;
      const label = (name: string) => labels[`org.opencontainers.image.${name}`];
      assert.deepEqual(
        [label('title'), label('version'), label('revision'), label('licenses')],
        [`kube-macvtap-${kind}`, version, revision, 'Apache-2.0'],
      );
      assert.notEqual(label('description') ?? '', '');
    });

    it('starts Node.js directly, as the user that the chart expects, with arguments after its own', () => {
      assert.equal(settings.User, users[kind]);
      assert.equal(settings.Entrypoint?.[0], '/usr/local/bin/node');
      assert.equal(settings.Entrypoint?.at(-1), '/app/main.mjs');
      assert.deepEqual(settings.Cmd ?? [], []);
    });

    it('starts Node.js with the flags and variables that the bench uses', () => {
      const { nodeFlags, environment } = readStart(kind);
      assert.deepEqual(settings.Entrypoint?.slice(1, -1), nodeFlags);
      for (const [name, value] of Object.entries(environment))
        assert.ok(settings.Env?.includes(`${name}=${value}`), name);
    });

    it('is built here on a base without a shell and a package manager, and adds only /app to it', async () => {
      for (const path of ['bin/sh', 'usr/bin/sh', 'usr/bin/env', 'usr/bin/dpkg', 'usr/local/bin/npm']) {
        assert.ok(!existsSync(join(image.path, path)), path);
      }
      const [, own = '', ...more] = image.content.Layers;
      assert.deepEqual(more, []);
      await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-layer-'));
      await runTool('tar', '-C', folder.path, '-xf', archives[kind], own);
      const paths = (await runTool('tar', '-tf', join(folder.path, own))).trim().split('\n');
      assert.deepEqual(
        paths.filter((path) => !path.startsWith('app/')),
        [],
      );
    });

    it(`holds less than ${largest[kind] / 1e6} MB of the product`, async (t) => {
      const files = await filesIn(join(image.path, 'app'));
      const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      t.diagnostic(`${kind}: ${(bytes / 1e6).toFixed(1)} MB in ${files.length} files`);
      assert.ok(bytes < largest[kind], `${bytes} bytes`);
    });

    it('contains no trace of its build: no registry, no mirror, no npm configuration', async () => {
      await using npm = await readNpmAccess();
      const mirrors = await runTool('apt-get', 'indextargets', '--format', '$(SITE)', 'Created-By: Packages');
      const sites = mirrors
        .trim()
        .split('\n')
        .map((site) => new URL(site).host);
      const secrets = npm.npmrc.split('\n').filter((line) => /_auth|_password|username/.test(line));
      const words = [npm.registryHost, ...sites, ...secrets];
      const texts = [image.configText, ...(await Promise.all((await filesIn(join(image.path, 'app'))).map(readLatin)))];
      assert.deepEqual(
        words.filter((word) => texts.some((text) => text.includes(word))),
        [],
      );
      assert.ok(!existsSync(join(image.path, 'root/.npmrc')));
    });

    it('contains kubectl macvtap as a separate program', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-cli-'));
      await cp(join(root, 'test/fixtures/seed'), folder.path, { recursive: true });
      await chmod(folder.path, 0o755);
      const entrypoint = ['/app/cli/kubectl-macvtap'];
      const run = (...args: readonly string[]) => runInImage(image, { entrypoint, args, folders: [folder.path] });
      await using plan = run('plan', folder.path, '--node=h3');
      assert.deepEqual(await plan.exit, { code: 0, signal: null }, plan.output);
      assert.match(plan.output, /^h3 {4}eth0 {6}eth0 {4}bridge {2}100 {7}implicit$/m);
      await using help = run('status', '--help');
      assert.deepEqual(await help.exit, { code: 0, signal: null }, help.output);
      assert.doesNotMatch(help.output, /npm run/);
    });

    it('prints the help of its program, and refuses unknown flags', async () => {
      await using help = runInImage(image, { args: ['--help'] });
      assert.deepEqual(await help.exit, { code: 0, signal: null }, help.output);
      assert.match(help.output, /--source cluster\|manifests:DIR/);
      assert.doesNotMatch(help.output, /npm run/);
      await using wrong = runInImage(image, { args: ['--sauce', 'x'] });
      assert.deepEqual(await wrong.exit, { code: 2, signal: null });
      assert.match(wrong.output, /--sauce: no such flag/);
    });
  });
}

describe('the webhook in its image', () => {
  it('becomes ready as a user other than root, on a read-only root file system', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-webhook-'));
    const [manifests, certificates] = [join(folder.path, 'manifests'), join(folder.path, 'certificates')];
    for (const path of [manifests, certificates]) await mkdir(path);
    for (const path of [folder.path, certificates]) await chown(path, 65532, 65532);
    const flags = ['--source', `manifests:${manifests}`, '--cert-dir', certificates];
    const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
    await using webhook = runInImage(images.webhook, { args: [...flags, ...listen], folders: [folder.path] });
    const line = await webhook.waitForLine(/health and metrics are served/);
    const address = /"address":"([^"]+)"/.exec(line)?.[1];
    await until(
      async () => (await fetch(`http://${address}/readyz`)).status,
      (status) => status === 200,
    );
    assert.match(await readFile(`/proc/${webhook.pid}/status`, 'utf8'), /^Uid:\t65532\t65532\t65532\t65532$/m);
    assert.equal((await stat(join(certificates, 'ca.crt'))).uid, 65532);
    assert.deepEqual(await webhook.stop(), { code: 0, signal: null });
  });
});

describe('the node plugin in its image', () => {
  it('makes macvtaps on the links of its node, and installs a static shim that works', async () => {
    await using node = await makePluginNode(['eth0']);
    const folder = dirname(node.kubeletDirectory);
    const programs = join(folder, 'cni');
    await mkdir(programs);
    await node.write('policy.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 3 }] }));
    await using plugin = runInImage(images.node, {
      namespace: node.namespace.name,
      folders: [folder],
      args: [
        ...['--source', `manifests:${join(folder, 'manifests')}`, '--node-name', node.name, '--settle', '20ms'],
        ...['--kubelet-dir', node.kubeletDirectory, '--state-dir', node.stateDirectory],
        ...['--cni-socket', join(folder, 'run/cni.sock'), '--cni-bin-dir', programs],
      ],
    });
    await Promise.race([node.offers({ eth0: 3 }), failAtEnd(plugin)]);
    const { paths } = await node.allocate('eth0');
    const shown = await node.namespace.ipJSON<{ readonly ifindex: number }>('link show type macvtap');
    assert.deepEqual(
      paths,
      shown.map(({ ifindex }) => `/dev/tap${ifindex}`),
    );

    const shim = join(programs, 'macvtap');
    const headers = await runTool('readelf', '--program-headers', '--dynamic', shim);
    assert.doesNotMatch(headers, /INTERP|NEEDED/);
    const question = `printf '{"cniVersion":"1.0.0"}' | CNI_COMMAND=VERSION ${shim}`;
    assert.match(await runTool('sh', '-c', question), /"supportedVersions":\[.*"1\.1\.0"/);
    assert.deepEqual(await plugin.stop(), { code: 0, signal: null });
  });
});

async function failAtEnd(process: { readonly exit: Promise<unknown>; readonly output: string }): Promise<never> {
  await process.exit;
  throw new Error(`it ended: ${process.output}`);
}

function readLatin(file: string): Promise<string> {
  return readFile(file, 'latin1');
}
