// SPDX-License-Identifier: Apache-2.0
// Makes a release of the working tree in a real registry, and uses it as its users do: with buildah, Helm, oras and
// cosign. The tests depend on each other, because a release takes minutes.
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { cacheFolder } from '../images/ensure-images.ts';
import { openBuildah } from '../images/run-buildah.ts';
import type { Exit } from '../process/start-process.ts';
import { startProcess } from '../process/start-process.ts';
import { credentials, registryUser } from './registry-files.ts';
import { makeReleaseTree, type ReleaseTree } from './release-tree.ts';
import { startRegistry, type TestRegistry } from './start-registry.ts';

const undo = new AsyncDisposableStack();
let tree: ReleaseTree;
let registry: TestRegistry;
let keys: string;
/** Where the release is published, and the flags for it. */
let target: string;
let flags: readonly string[];
/** The variables with credentials: only the release itself gets them, as a user's shell would have them. */
let secrets: Readonly<Record<string, string>>;
const keyPassword = 'tops3cret-of-the-signing-key';

before(async () => {
  const print = (line: string) => console.error(line);
  // Another build would remove the base images and containers.
  undo.use(await waitForLock(cacheFolder, print));
  tree = undo.use(await makeReleaseTree(print));
  registry = undo.use(await startRegistry());
  keys = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-keys-'))).path;
  secrets = { DOCKER_CONFIG: registry.credentialsFolder, COSIGN_PASSWORD: keyPassword };
  await must('cosign', 'generate-key-pair', '--output-key-prefix', join(keys, 'cosign'));
  target = `${registry.host}/kube-macvtap`;
  flags = ['--registry', target, '--ca-file', registry.caFile];
});
after(() => undo.disposeAsync());

/** Runs a program with the credentials, and returns how it ended. */
async function run(...command: readonly [string, ...string[]]): Promise<Exit & { readonly output: string }> {
  const environment = { ...tree.environment, ...secrets };
  await using running = startProcess({ name: command[0], command: ['env', ...command], environment });
  const exit = await running.exit;
  return { ...exit, output: running.output };
}

async function must(...command: readonly [string, ...string[]]): Promise<string> {
  const { code, output } = await run(...command);
  assert.equal(code, 0, `${command.join(' ')}:\n${output}`);
  return output;
}

/** Runs a release until it ends. Its output never contains a password. */
async function release(given: readonly string[], environment: Readonly<Record<string, string>> = secrets) {
  await using running = tree.start(given, environment);
  const { code } = await running.exit;
  assertNoSecret(running.output);
  return { code, output: running.output, table: tableIn(running.output) };
}

/** Runs a release that must fail. Returns its error, the only line that does not report progress. */
async function refused(given: readonly string[], environment?: Readonly<Record<string, string>>): Promise<string> {
  const { code, output } = await release(given, environment);
  assert.equal(code, 1, output);
  const lines = output.split('\n').filter((line) => !/^(✓ | {2}\S)/.test(line));
  assert.equal(lines.length, 1, output);
  return lines[0] ?? '';
}

/** Copies the built images to the directory of another release, which then does not build them. */
async function copyImages(output: string): Promise<void> {
  const [from, to] = [join(tree.output, tree.version), join(output, tree.version)];
  await mkdir(to);
  await must('cp', '-r', join(from, 'inputs.json'), join(from, 'images'), to);
}

/** Returns whether the registry has the version of a product. */
async function isPublished(product: string): Promise<boolean> {
  const name = `${target}/${product}:${tree.version}`;
  const { code, output } = await run('oras', 'resolve', '--ca-file', registry.caFile, name);
  if (code !== 0) assert.match(output, /not found/);
  return code === 0;
}

function assertNoSecret(text: string): void {
  const words = [
    registryUser.password,
    keyPassword,
    Buffer.from(`${registryUser.name}:`).toString('base64').slice(0, 10),
  ];
  for (const word of words) assert.ok(!text.includes(word), text);
}

function tableIn(output: string): string {
  return output
    .split('\n')
    .filter((line) => line.startsWith('REPOSITORY') || line.includes('sha256:'))
    .join('\n');
}

/** Returns the digest of an artifact in a table. */
function digestIn(table: string, product: string, artifact: string): string {
  const row = table.split('\n').find((line) => line.includes(`/${product}:`) && line.includes(`  ${artifact}  `));
  return /sha256:[0-9a-f]{64}/.exec(row ?? '')?.[0] ?? assert.fail(`${product}, ${artifact}: not in\n${table}`);
}

describe('a release is refused before anything is built', () => {
  it('if the registry is away', async () => {
    await registry.stop();
    const message = await refused(flags);
    assert.match(
      message,
      /cannot write to .*\/webhook: the registry cannot be reached: check its name and the network/,
    );
    await registry.start();
  });

  it('if the password is wrong', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-wrong-'));
    await writeFile(join(folder.path, 'config.json'), credentials(registry.host, 'not-the-password'));
    const message = await refused(flags, { ...secrets, DOCKER_CONFIG: folder.path });
    assert.match(message, /the registry rejects the credentials: log in with `oras login`/);
  });

  it("if the registry's certificate is not trusted", async () => {
    const message = await refused(['--registry', target]);
    assert.match(message, /the registry's certificate is not trusted: name the file of its CA with --ca-file/);
  });

  it('if the tree has changes', async () => {
    await writeFile(join(tree.path, 'policy/new.ts'), '');
    assert.match(await refused(flags), /uncommitted changes in policy\/new\.ts: commit or stash them/);
    await rm(join(tree.path, 'policy/new.ts'));
  });

  it('if the key cannot be decrypted', async () => {
    const signed = [...flags, '--sign', join(keys, 'cosign.key')];
    const message = await refused(signed, { ...secrets, COSIGN_PASSWORD: 'not-the-password' });
    assert.match(message, /cannot read the key .*: COSIGN_PASSWORD is not the password of the key: correct it/);
    const { code, output } = await release(signed, { DOCKER_CONFIG: registry.credentialsFolder });
    assert.equal(code, 2, output);
    assert.match(output, /the variable COSIGN_PASSWORD is not set/);
  });

  it('if the versions differ', async () => {
    const message = await refused([...flags, '--version', '9.9.9']);
    assert.match(message, /the release is 9\.9\.9, but package\.json is \d+\.\d+\.\d+: make all versions equal/);
  });

  it('if package-lock.json has another version', async () => {
    const file = join(tree.path, 'package-lock.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(`"version": "${tree.version}"`, '"version": "9.9.9"'));
    await tree.git('commit', '--quiet', '--all', '--message=lock');
    assert.match(await refused(flags), /but package-lock\.json is 9\.9\.9: make all versions equal/);
    await tree.git('reset', '--quiet', '--hard', 'HEAD~1');
  });

  it('if the changelog has no section for the version', async () => {
    const file = join(tree.path, 'CHANGELOG.md');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(`## ${tree.version}`, '## Unreleased'));
    await tree.git('commit', '--quiet', '--all', '--message=changelog');
    assert.match(await refused(flags), /CHANGELOG\.md has no section "## .*": rename the section "## Unreleased"/);
    await tree.git('reset', '--quiet', '--hard', 'HEAD~1');
  });

  it('if the name of the registry contains credentials, which the error does not repeat', async () => {
    const { code, output } = await release(['--registry', `u:${registryUser.password}@${target}`]);
    assert.deepEqual([code, output.includes('write HOST/PATH without a scheme')], [2, true], output);
  });

  it('and no version is in the registry', async () => {
    for (const product of ['webhook', 'node', 'kube-macvtap']) assert.equal(await isPublished(product), false);
  });
});

describe('a release', () => {
  let table: string;

  it('is built by a dry run, which publishes nothing', async () => {
    const { code, output, table: found } = await release([...flags, '--dry-run'], {});
    assert.equal(code, 0, output);
    table = found;
    assert.match(output, /published nothing/);
    assert.equal(await isPublished('node'), false);
  });

  it('has the checksums of its files', async () => {
    const folder = join(tree.output, tree.version);
    const checked = await must('env', '-C', folder, 'sha256sum', '--check', '--strict', 'SHA256SUMS');
    assert.equal(checked.split('\n').length, 9, checked);
  });

  it('that is interrupted while it is published has no version yet', async () => {
    await using running = tree.start([...flags, '--sign', join(keys, 'cosign.key')], secrets);
    await running.waitForLine(/✓ all artifacts are pushed/, 600_000);
    running.signal('SIGTERM');
    const { code } = await running.exit;
    assert.equal(code, 1, running.output);
    assert.match(running.output, /interrupted: run the same command again to complete the release/);
    assertNoSecret(running.output);
    assert.equal(await isPublished('kube-macvtap'), false);
  });

  it('is completed by a second run, with the same content as the dry run', async () => {
    const { code, output, table: found } = await release([...flags, '--sign', join(keys, 'cosign.key')]);
    assert.equal(code, 0, output);
    assert.equal(found, table);
  });

  it('has images with the same digest when they are built again', async () => {
    const index = join(tree.output, tree.version, 'images/index.json');
    const layout = JSON.parse(await readFile(index, 'utf8'));
    const isOther = ({ annotations }: { annotations: object }) => !Object.values(annotations).includes('webhook-amd64');
    await writeFile(index, JSON.stringify({ ...layout, manifests: layout.manifests.filter(isOther) }));
    const { code, output, table: found } = await release([...flags, '--dry-run'], {});
    assert.equal(code, 0, output);
    assert.match(await readFile(index, 'utf8'), /webhook-amd64/);
    assert.equal(found, table);
  });

  it('can be published again, which changes nothing', async () => {
    const list = ['oras', 'repo', 'tags', '--ca-file', registry.caFile, `${target}/node`] as const;
    const tags = await must(...list);
    const { code, output, table: found } = await release([...flags, '--sign', join(keys, 'cosign.key')]);
    assert.equal(code, 0, output);
    assert.deepEqual([found, await must(...list)], [table, tags]);
  });

  it('is refused if the registry has other content under the version', async () => {
    const [other, file] = [`${registry.host}/other`, join(tree.output, 'other.txt')];
    await writeFile(file, 'other');
    const unchecked = ['--disable-path-validation', '--ca-file', registry.caFile];
    await must('oras', 'push', ...unchecked, `${other}/node:${tree.version}`, `${file}:text/plain`);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-other-'));
    await copyImages(folder.path);
    const message = await refused(['--registry', other, '--ca-file', registry.caFile, '--output', folder.path]);
    assert.match(
      message,
      /\/other\/node:\S+ exists with other content \(sha256:\w+; this release has sha256:\w+\): raise the version/,
    );
    const { code } = await run('oras', 'resolve', '--ca-file', registry.caFile, `${other}/webhook:${tree.version}`);
    assert.equal(code, 1);
  });

  it('on a full disk fails with the next step, and can be repeated', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-full-'));
    await using mounted = new AsyncDisposableStack();
    const before = join(tree.output, tree.version);
    const [megabytes = ''] = (await must('du', '-sm', join(before, 'images'))).split('\t');
    // Enough for the images that are already built, but not for a copy.
    await must('mount', '-t', 'tmpfs', '-o', `size=${Number(megabytes) + 10}m`, 'kube-macvtap-test', folder.path);
    mounted.defer(async () => void (await must('umount', '--lazy', folder.path)));
    await copyImages(folder.path);
    const message = await refused([...flags, '--dry-run', '--output', folder.path]);
    assert.match(message, /the disk is full: free space, or name a directory on another disk with --output/);
    await must('mount', '-o', 'remount,size=500m', folder.path);
    const again = await release([...flags, '--dry-run', '--output', folder.path], {});
    assert.deepEqual([again.code, again.table], [0, table], again.output);
  });

  describe('in the registry', () => {
    const buildah = openBuildah(cacheFolder);

    it('has images that are pulled by digest, for the architecture of the machine', async () => {
      const name = `${target}/webhook@${digestIn(table, 'webhook', 'index')}`;
      const access = [
        '--authfile',
        join(registry.credentialsFolder, 'config.json'),
        '--cert-dir',
        await certificates(),
      ];
      const id = await buildah.run('pull', '--quiet', '--policy', 'always', ...access, name);
      const inspect = ['inspect', '--type', 'image', '--format', '{{.OCIv1.Architecture}} {{.OCIv1.Config.User}}'];
      assert.equal(await buildah.run(...inspect, id), 'amd64 65532:65532');
      await buildah.run('rmi', '--force', id);
    });

    it('has an index without another architecture if it was made so, and a pull names the missing one', async () => {
      const only = `${registry.host}/only/arm64`;
      const source = `${target}/webhook@${digestIn(table, 'webhook', 'image linux/arm64')}`;
      const ca = ['--from-ca-file', registry.caFile, '--to-ca-file', registry.caFile];
      await must('oras', 'cp', ...ca, source, `${only}:one`);
      await must('oras', 'manifest', 'index', 'create', '--ca-file', registry.caFile, `${only}:index`, 'one');
      const access = [
        '--authfile',
        join(registry.credentialsFolder, 'config.json'),
        '--cert-dir',
        await certificates(),
      ];
      await assert.rejects(
        buildah.run('pull', ...access, `${only}:index`),
        /no image found in .* for architecture amd64/,
      );
    });

    for (const helm of ['helm', 'helm3']) {
      it(`has a chart that ${helm} pulls and renders with the digests of the images`, async () => {
        await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-pulled-'));
        const chart = `oci://${target}/kube-macvtap`;
        const access = ['--version', tree.version, '--ca-file', registry.caFile];
        const config = ['--registry-config', join(registry.credentialsFolder, 'config.json')];
        const shown = await must(helm, 'show', 'chart', chart, ...access, ...config);
        assert.match(shown, /^name: kube-macvtap$/m);
        await must(helm, 'pull', chart, ...access, ...config, '--destination', folder.path);
        const [file = ''] = await readdir(folder.path);
        assert.equal(file, `kube-macvtap-${tree.version}.tgz`);
        const published = await readFile(join(tree.output, tree.version, file));
        assert.deepEqual(await readFile(join(folder.path, file)), published);
        const rendered = await must(helm, 'template', 'kube-macvtap', join(folder.path, file));
        // A user who verified the digest of the chart names the digest instead of the version.
        const verified = `${chart}@${digestIn(table, 'kube-macvtap', 'chart')}`;
        const byDigest = ['template', 'kube-macvtap', verified, '--ca-file', registry.caFile, ...config];
        const renderedByDigest = await must(helm, ...byDigest);
        for (const kind of ['webhook', 'node']) {
          const image = `${target}/${kind}@${digestIn(table, kind, 'index')}`;
          assert.ok(rendered.includes(image), kind);
          assert.ok(renderedByDigest.includes(image), kind);
          // The annotation for Artifact Hub.
          assert.ok(shown.includes(image), kind);
        }
      });
    }

    it('has signatures of the images, the chart, the SBOMs and the provenance', async () => {
      const rows = table.split('\n').slice(1);
      assert.equal(rows.length, 16, table);
      for (const row of rows) {
        const [repository = '', digest = ''] = [/^\S+(?=:\S+ )/.exec(row)?.[0], /sha256:\S+/.exec(row)?.[0]];
        assert.match(await must(...verify(`${repository}@${digest}`)), /verified|Verified|critical/);
      }
    });

    it('has no valid signature if another key is used, or if an artifact is not signed', async () => {
      const chart = `${target}/kube-macvtap@${digestIn(table, 'kube-macvtap', 'chart')}`;
      await must('cosign', 'generate-key-pair', '--output-key-prefix', join(keys, 'other'));
      const other = await run(...verify(chart, 'other.pub'));
      assert.notEqual(other.code, 0, other.output);
      const unsigned = await run(...verify(`${registry.host}/other/node:${tree.version}`));
      assert.notEqual(unsigned.code, 0, unsigned.output);
      assert.match(unsigned.output, /no signatures found|no matching signatures|not found/i);
    });

    it('has SBOMs that are found by their type, and list the packages', async () => {
      const type = [
        '--artifact-type',
        'application/vnd.cyclonedx+json',
        '--format',
        'json',
        '--ca-file',
        registry.caFile,
      ];
      const read = async (subject: string) => {
        const { referrers } = JSON.parse(await must('oras', 'discover', ...type, subject));
        await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-sbom-'));
        await must('oras', 'pull', '--ca-file', registry.caFile, '--output', folder.path, referrers[0].reference);
        const [file = ''] = await readdir(folder.path);
        const { components } = JSON.parse(await readFile(join(folder.path, file), 'utf8'));
        return components.map(({ name }: { name: string }) => name) as readonly string[];
      };
      const npm = await read(`${target}/webhook@${digestIn(table, 'webhook', 'index')}`);
      assert.ok(npm.includes('fastify') && !npm.includes('esbuild'), npm.join());
      const debian = await read(`${target}/node@${digestIn(table, 'node', 'image linux/amd64')}`);
      assert.ok(debian.includes('koffi') || debian.includes('node'), debian.join());
    });

    it('has provenance with the commit and the digest of its subject', async () => {
      const digest = digestIn(table, 'node', 'index');
      const type = [
        '--artifact-type',
        'application/vnd.in-toto+json',
        '--format',
        'json',
        '--ca-file',
        registry.caFile,
      ];
      const { referrers } = JSON.parse(await must('oras', 'discover', ...type, `${target}/node@${digest}`));
      assert.equal(referrers.length, 1);
      const file = join(tree.output, tree.version, 'kube-macvtap-node.intoto.json');
      const { subject, predicate } = JSON.parse(await readFile(file, 'utf8'));
      assert.equal(`sha256:${subject[0].digest.sha256}`, digest);
      const [source] = predicate.buildDefinition.resolvedDependencies;
      assert.equal(source.digest.gitCommit, (await tree.git('rev-parse', 'HEAD')).trim());
      const [, , ...flagsAndName] = verify(`${target}/node@${digest}`);
      await must('cosign', 'verify-attestation', '--type', 'slsaprovenance1', ...flagsAndName);
    });

    it('contains no credentials: in no layer, document, signature or other file', async () => {
      const words = [registryUser.password, keyPassword, 'BEGIN ENCRYPTED SIGSTORE PRIVATE KEY'];
      const entries = await readdir(registry.dataFolder, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
      assert.ok(files.length > 50, `${files.length}`);
      for (const file of files) {
        const text = await run('sh', '-c', `gzip -dcf '${file}' | grep -acE '${words.join('|')}'`);
        assert.equal(text.output.trim(), '0', file);
      }
    });
  });
});

function verify(name: string, key = 'cosign.pub'): [string, ...string[]] {
  const offline = ['--insecure-ignore-tlog=true', '--registry-cacert', registry.caFile];
  return ['cosign', 'verify', '--key', join(keys, key), ...offline, name];
}

/** Returns a folder with the CA, as buildah wants it. */
async function certificates(): Promise<string> {
  const folder = join(keys, 'certificates');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ca.crt'), await readFile(registry.caFile));
  return folder;
}
