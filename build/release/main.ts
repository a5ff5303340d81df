// SPDX-License-Identifier: Apache-2.0
// Builds a release and publishes it in a registry: npm run release -- --registry HOST/PATH
import { createHash } from 'node:crypto';
import { accessSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { pathsFlag, switchFlag, textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand, signalScope } from '../../runtime/run-command.ts';
import { printableLines, textTable } from '../../runtime/terminal-text.ts';
import { buildChart, buildImages, chartFile } from './build-artifacts.ts';
import { describeArtifacts } from './describe-artifacts.ts';
import {
  type Artifact,
  checkUnchanged,
  listArtifacts,
  publicKeyFile,
  pushArtifacts,
  readKey,
  readPublished,
  signArtifacts,
  tagArtifacts,
} from './publish.ts';
import { openRelease, type Release, readTree, requirePrograms, root } from './release.ts';

const line = {
  command: 'npm run release --',
  summary:
    'Builds the images and the chart of the committed version, and publishes them in a registry with SBOMs, provenance\n' +
    'and signatures. After an interruption, the same command completes the release. Needs buildah, helm, oras, syft and,\n' +
    'for signatures, cosign. Credentials come from `oras login`.',
  positionals: [],
  flags: {
    registry: textFlag('HOST/PATH', 'where to publish, such as registry.example.com/kube-macvtap'),
    version: textFlag(
      'X.Y.Z',
      'the version that package.json, package-lock.json, Chart.yaml and CHANGELOG.md must have',
    ),
    'dry-run': switchFlag('build everything, and publish nothing'),
    sign: textFlag('KEY', "the file of cosign's private key, whose password is in COSIGN_PASSWORD"),
    'ca-file': textFlag('FILE', "the CA of the registry's certificate, if the machine does not trust it"),
    output: textFlag('DIR', 'the directory for the files of the release', join(root, 'dist/release')),
    'build-image': textFlag('IMAGE', 'the argument BUILD_IMAGE of the Dockerfiles'),
    'run-image': textFlag('IMAGE', 'the argument RUN_IMAGE of the Dockerfiles'),
    'buildah-flag': pathsFlag('FLAG', 'an additional flag for `buildah bud`; repeat it for several flags'),
    builder: textFlag('URI', 'the name of the builder in the provenance', 'urn:kube-macvtap:builder:unnamed'),
  },
  examples: [
    {
      purpose: 'Publish the committed version with signatures',
      command: 'npm run release -- --registry registry.example.com/kube-macvtap --sign ~/keys/cosign.key',
    },
  ],
} as const;

await runCommand(line, async (values) => {
  using scope = signalScope();
  const print = (text: string) => console.error(printableLines(text));
  const tools = { what: 'read the repository', print, signal: scope.signal };
  const registry = readRegistry(values.registry);
  for (const name of ['sign', 'ca-file'] as const) checkReadable(name, values[name]);
  requirePrograms(['buildah', 'helm', 'oras', 'syft', 'tar', ...(values.sign === undefined ? [] : ['cosign'])]);
  const tree = await readTree(values.version, tools);
  print(`✓ the tree is clean, and all files have the version ${tree.version}`);
  const release = await openRelease(tree, {
    registry,
    output: resolve(values.output),
    buildImage: values['build-image'],
    runImage: values['run-image'],
    buildahFlags: values['buildah-flag'],
    caFile: values['ca-file'],
    builder: values.builder,
    print,
    signal: scope.signal,
  });
  const step = async <Value>(title: string, run: () => Promise<Value>): Promise<Value> => {
    const started = performance.now();
    const value = await run();
    print(`✓ ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    return value;
  };
  const { sign, 'dry-run': isDry } = values;
  const publishes = !isDry;
  if (sign !== undefined) await readKey(release, sign);
  const before = publishes ? await step(`${registry} accepts uploads`, () => readPublished(release)) : new Map();
  await step('the images of linux/amd64 and linux/arm64 are built', () => buildImages(release));
  await step('the chart is packaged with the digests of the images', () => buildChart(release));
  const documents = await step('SBOMs and provenance are written', () => describeArtifacts(release));
  const artifacts = await listArtifacts(release);
  if (publishes) {
    await checkUnchanged(release, before);
    await step('all artifacts are pushed', () => pushArtifacts(release));
    if (sign !== undefined) await step('all artifacts are signed', () => signArtifacts(release, sign, artifacts));
    await step(`the version ${tree.version} is complete`, () => tagArtifacts(release));
  }
  const files = [chartFile(release), ...documents, ...(sign === undefined ? [] : [publicKeyFile])];
  await writeSums(release, files);
  console.log(table(release, artifacts));
  print(`${publishes ? 'Published' : 'Built; published nothing'}. The files and SHA256SUMS are in ${release.folder}.`);
  return exitCode.done;
});

function readRegistry(text: string | undefined): string {
  const isValid =
    text !== undefined &&
    /^(?=[^/]*[.:]|localhost)[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+$/.test(text);
  if (isValid) return text;
  const example = 'write HOST/PATH without a scheme and without credentials, such as registry.example.com/kube-macvtap';
  // An invalid value is not repeated: it may contain a password.
  throw new MacvtapError('InvalidFlags', `--registry: ${example}`);
}

function checkReadable(name: string, file: string | undefined): void {
  try {
    if (file !== undefined) accessSync(file);
  } catch (cause) {
    throw new MacvtapError('InvalidFlags', `--${name}: ${file} cannot be read: name an existing file`, { cause });
  }
}

/** Renders the table of the artifacts: the same for the same content. */
function table({ registry, version }: Release, artifacts: readonly Artifact[]): string {
  const rows = artifacts.map(({ product, title, digest, bytes }) => [
    `${registry}/${product}:${version}`,
    title,
    `${Math.ceil(bytes / 1000)} kB`,
    digest,
  ]);
  return textTable(['REPOSITORY', 'ARTIFACT', 'SIZE', 'DIGEST'], rows);
}

/** Writes SHA256SUMS, in the format of sha256sum(1). */
async function writeSums({ folder }: Release, files: readonly string[]): Promise<void> {
  const sums = await Promise.all(
    files.toSorted().map(async (file) => {
      const hash = createHash('sha256').update(await readFile(join(folder, file)));
      return `${hash.digest('hex')}  ${file}\n`;
    }),
  );
  await writeFile(join(folder, 'SHA256SUMS'), sums.join(''));
}
