// SPDX-License-Identifier: Apache-2.0
// Tests builds of images: repeated builds have the same content, images for another architecture work in an emulator,
// and only files that .dockerignore admits are used.
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { runTool } from '../machines/run-tool.ts';
import { makePluginNode, policyObject } from '../process/plugin-node.ts';
import { startProcess } from '../process/start-process.ts';
import { commitFolder, ensureBases } from './base-images.ts';
import { buildImage } from './build-image.ts';
import { arm64Node, emulator, lacksEmulator } from './emulate-arm64.ts';
import { cacheFolder, ensureImages, imageName } from './ensure-images.ts';
import { imageKinds, readInputs, root } from './image-inputs.ts';
import { type OpenImage, openImage, readArchive } from './open-image.ts';
import { openBuildah } from './run-buildah.ts';
import { writeArchive } from './write-archive.ts';

const print = (line: string) => console.error(line);
const archives = await ensureImages({ print });
const lock = await waitForLock(cacheFolder, print);
after(() => lock[Symbol.asyncDispose]());
const buildah = openBuildah(cacheFolder);
const bases = await ensureBases(buildah, print);

for (const kind of imageKinds) {
  it(`the image of the ${kind} has the same digests when it is built again`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-again-'));
    const inputs = await readInputs(kind);
    const name = imageName(kind, inputs);
    await buildImage({ buildah, kind, inputs, bases, name, print });
    const archive = join(folder.path, 'image.tar');
    await writeArchive(buildah, name, archive);
    assert.deepEqual(await readArchive(archive), await readArchive(archives[kind]));
  });
}

for (const kind of imageKinds) {
  describe(`the image of the ${kind} for arm64`, () => {
    const undo = new AsyncDisposableStack();
    let image: OpenImage;
    before(async () => {
      const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-arm64-')));
      // No command runs in this base image, so it needs no Node.js.
      const base = { path: join(folder.path, 'base'), name: 'localhost/kube-macvtap-base-empty:arm64' };
      await mkdir(join(base.path, 'tmp'), { recursive: true });
      await commitFolder(buildah, base.path, base.name, '--platform', 'linux/arm64');
      undo.defer(async () => void (await buildah.run('rmi', base.name)));
      const inputs = await readInputs(kind);
      const name = `localhost/kube-macvtap-${kind}-arm64:${inputs.version}`;
      const given = { ...bases, run: base.name };
      await buildImage({ buildah, kind, inputs, bases: given, name, architecture: 'arm64', print });
      const archive = join(folder.path, 'image.tar');
      await writeArchive(buildah, name, archive);
      image = undo.use(await openImage(buildah, archive, 'linux/arm64'));
    });
    after(() => undo.disposeAsync());

    /** The command of the image, in the emulator and outside of the image, which has no Node.js. */
    const command = async (flags: readonly string[], path: string): Promise<[string, ...string[]]> => {
      return [...emulator, await arm64Node(), ...flags, join(image.path, path)];
    };

    it('contains nothing for another architecture', async () => {
      assert.equal(image.config.architecture, 'arm64');
      const machines = await machinesIn(join(image.path, 'app'));
      assert.deepEqual(machines, kind === 'node' ? ['AArch64', 'AArch64'] : []);
    });

    it('has programs that run in an emulator', { skip: lacksEmulator }, async () => {
      const [, ...flags] = image.config.config.Entrypoint?.slice(0, -1) ?? [];
      const help = await runTool(...(await command(flags, 'app/main.mjs')), '--help');
      assert.match(help, /--source cluster\|manifests:DIR/);
      const seed = join(root, 'test/fixtures/seed/node-centric');
      // The launcher app/cli/kubectl-macvtap is CommonJS, unless a parent folder has a package.json, as here.
      const plan = await runTool(...(await command([], 'app/cli/main.mjs')), 'plan', seed);
      assert.match(plan, /^h1 +bondedIface/m);
    });

    if (kind === 'webhook') return;

    it('makes macvtaps in an emulator, with its native code', { skip: lacksEmulator }, async () => {
      await using node = await makePluginNode(['eth0']);
      const folder = dirname(node.kubeletDirectory);
      await node.write('policy.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 3 }] }));
      const [, ...flags] = image.config.config.Entrypoint?.slice(0, -1) ?? [];
      await using plugin = startProcess({
        name: 'the node plugin for arm64',
        command: [
          ...(['ip', 'netns', 'exec', node.namespace.name] as const),
          ...(await command(flags, 'app/main.mjs')),
          ...['--source', `manifests:${join(folder, 'manifests')}`, '--node-name', node.name, '--settle', '20ms'],
          ...['--kubelet-dir', node.kubeletDirectory, '--state-dir', node.stateDirectory],
          ...['--cni-socket', join(folder, 'run/cni.sock')],
        ],
      });
      // The emulator is slow, so the test waits longer than `offers` does.
      await plugin.waitForLine(/resource registered/, 600_000);
      await node.offers({ eth0: 3 });
      const { paths } = await node.allocate('eth0');
      const shown = await node.namespace.ipJSON<{ readonly ifindex: number }>('link show type macvtap');
      assert.deepEqual(
        paths,
        shown.map(({ ifindex }) => `/dev/tap${ifindex}`),
      );
      assert.deepEqual(await plugin.stop(), { code: 0, signal: null });
    });

    it('has a CNI plugin that runs in an emulator', { skip: lacksEmulator }, async () => {
      const shim = `${emulator.join(' ')} '${join(image.path, 'app/shim/macvtap')}'`;
      const versions = await runTool('sh', '-c', `printf '{"cniVersion":"1.0.0"}' | CNI_COMMAND=VERSION ${shim}`);
      assert.match(versions, /"supportedVersions":\[.*"1\.1\.0"/);
    });
  });
}

it('an image is built only from files that its cache name covers', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-context-'));
  const dockerfile = join(folder.path, 'Dockerfile');
  await writeFile(dockerfile, 'FROM scratch\nCOPY . /context\n');
  const name = 'localhost/kube-macvtap-context:test';
  await buildah.run('bud', '--quiet', '--file', dockerfile, '--tag', name, root);
  const container = await buildah.run('from', '--quiet', '--pull-never', name);
  const mounted = join(await buildah.run('mount', container), 'context');
  const entries = await readdir(mounted, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => !entry.isDirectory()).map((one) => join(one.parentPath, one.name));
  await buildah.run('rm', container);
  await buildah.run('rmi', name);
  const { files } = await readInputs('webhook');
  assert.deepEqual(
    found.map((path) => path.slice(mounted.length + 1)).toSorted(),
    files.filter((path) => path !== '.dockerignore' && !path.startsWith('Dockerfile')).toSorted(),
  );
});

/** Returns the architectures of a folder's programs and native parts. */
async function machinesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const machines: string[] = [];
  for (const file of files) {
    const isProgram = (await readFile(file)).subarray(0, elfMagic.length).equals(elfMagic);
    if (!isProgram) continue;
    const header = await runTool('readelf', '--file-header', file);
    machines.push(/Machine: +(\S+)/.exec(header)?.[1] ?? '?');
  }
  return machines;
}

/** EI_MAG of elf(5). */
const elfMagic = Buffer.from('\x7fELF', 'latin1');
