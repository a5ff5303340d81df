// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { cp, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseDocument } from 'yaml';
import { architectures, chartName, type ImageKind, imageKinds, type Release, root } from './release.ts';

/** The annotations that make an artifact independent of the time at which it is built. */
export function annotations(release: Release, title?: string): readonly string[] {
  const { version, commit: revision } = release;
  // oras takes the title of an artifact for a file name, and refuses one that a file in the artifact has.
  const titles = title === undefined ? {} : { title };
  const values = { created: createdAt(release), ...titles, version, revision };
  return Object.entries(values).flatMap(([name, value]) => [
    '--annotation',
    `org.opencontainers.image.${name}=${value}`,
  ]);
}

/**
 * Builds an image for each architecture, and an index of both, in the layout. Images that an earlier run has built are
 * used again: the layout of images contains only complete ones.
 */
export async function buildImages(release: Release): Promise<void> {
  const { images, layout, run } = release;
  for (const kind of imageKinds) {
    const tags = architectures.map((architecture) => `${kind}-${architecture}`);
    for (const [at, tag] of tags.entries()) {
      if (!(await readTags(images)).has(tag)) await buildImage(release, kind, architectures[at] ?? '');
      const copy = ['--from-oci-layout', `${images}:${tag}`, '--to-oci-layout', `${layout}:${tag}`];
      await run({ what: `copy ${tag}` }, 'oras', 'cp', ...copy);
    }
    const create = ['oras', 'manifest', 'index', 'create', '--oci-layout', `${layout}:${kind}`] as const;
    const title = annotations(release, `${chartName}-${kind}`);
    await run({ what: `write the index of ${kind}` }, ...create, ...tags, ...title);
  }
}

async function buildImage(release: Release, kind: ImageKind, architecture: string): Promise<void> {
  const { version, commit, epoch, buildImage, runImage, buildahFlags, images, run } = release;
  const name = `localhost/${chartName}-release-${kind}-${architecture}:${version}`;
  const argument = (key: string, value: string | undefined) =>
    value === undefined ? [] : ['--build-arg', `${key}=${value}`];
  const what = `build ${kind} for linux/${architecture}`;
  const environment = { BUILDAH_ISOLATION: process.env.BUILDAH_ISOLATION ?? 'chroot' };
  await run(
    { what, environment },
    ...(['buildah', 'bud', '--no-cache', '--format', 'oci', '--timestamp', String(epoch), '--tag', name] as const),
    ...['--file', join(root, `Dockerfile.${kind}`), '--platform', `linux/${architecture}`],
    ...argument('BUILD_IMAGE', buildImage),
    ...argument('RUN_IMAGE', runImage),
    ...argument('VERSION', version),
    ...argument('REVISION', commit),
    // Unlike BuildKit, buildah 1.28 does not detect the platform on which it builds.
    ...argument('BUILDPLATFORM', `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`),
    ...buildahFlags,
    root,
  );
  const target = `oci:${images}:${kind}-${architecture}`;
  await run(
    { what: `write ${kind} for linux/${architecture}` },
    'buildah',
    'push',
    '--quiet',
    '--format',
    'oci',
    name,
    target,
  );
  await run({ what: `remove ${name}` }, 'buildah', 'rmi', name);
}

/** The media types of a chart in a registry (https://helm.sh/docs/topics/registries/). */
const chartTypes = {
  config: 'application/vnd.cncf.helm.config.v1+json',
  content: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
} as const;

/** The name of the packaged chart. */
export function chartFile({ version }: Pick<Release, 'version'>): string {
  return `${chartName}-${version}.tgz`;
}

/**
 * Packages the chart with the names and digests of the images as its values, and adds it to the layout. `helm package`
 * would write the current time into the package.
 */
export async function buildChart(release: Release): Promise<void> {
  const { folder, epoch, layout, run } = release;
  await using copy = await mkdtempDisposable(join(folder, '.chart-'));
  const chart = join(copy.path, chartName);
  await cp(join(root, 'charts', chartName), chart, { recursive: true });
  for (const [name, fill] of [
    ['values.yaml', fillValues],
    ['Chart.yaml', fillAnnotations],
  ] as const) {
    const path = join(chart, name);
    await writeFile(path, await fill(release, await readFile(path, 'utf8')));
  }
  const file = chartFile(release);
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  await run(
    { what: 'package the chart', folder: copy.path, environment: { LC_ALL: 'C', GZIP: '' } },
    ...(['tar', '--sort=name', '--format=ustar', `--mtime=@${epoch}`, ...owner] as const),
    ...['-czf', join(folder, file), chartName],
  );
  await checkChart(release, file);
  const config = 'chart.json';
  await writeFile(join(folder, config), JSON.stringify(parse(await readFile(join(chart, 'Chart.yaml'), 'utf8'))));
  await run(
    { what: 'add the chart', folder },
    ...(['oras', 'push', '--oci-layout', `${layout}:${chartName}`] as const),
    ...['--config', `${config}:${chartTypes.config}`, ...annotations(release, chartName)],
    `${file}:${chartTypes.content}`,
  );
}

/** Sets the names and digests of the images in values.yaml. Keeps its comments. */
async function fillValues(release: Pick<Release, 'layout' | 'registry'>, text: string): Promise<string> {
  const values = parseDocument(text);
  for (const kind of imageKinds) {
    values.setIn(['image', kind, 'repository'], `${release.registry}/${kind}`);
    values.setIn(['image', kind, 'digest'], await digestOf(release, kind));
  }
  return values.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Sets the images in the annotation that Artifact Hub reads. */
async function fillAnnotations(release: Pick<Release, 'layout' | 'registry'>, text: string): Promise<string> {
  const chart = parseDocument(text);
  const path = ['annotations', 'artifacthub.io/images'];
  const images = parseDocument(String(chart.getIn(path)));
  for (const [at, kind] of imageKinds.entries()) {
    if (images.getIn([at, 'name']) !== kind)
      throw new Error(`image ${at + 1} in the annotation ${path[1]} is not ${kind}`);
    images.setIn([at, 'image'], `${release.registry}/${kind}@${await digestOf(release, kind)}`);
  }
  chart.setIn(path, images.toString());
  return chart.toString({ lineWidth: 0 });
}

/** Renders the packaged chart with its own values. Raises if an image is missing. */
async function checkChart(release: Release, file: string): Promise<void> {
  const what = 'render the packaged chart';
  const rendered = await release.run({ what, folder: release.folder }, 'helm', 'template', chartName, file);
  for (const kind of imageKinds) {
    const image = `${release.registry}/${kind}@${await digestOf(release, kind)}`;
    if (!rendered.includes(image)) throw new Error(`${file} does not use ${image}`);
  }
}

/** Returns the digests in an OCI image layout, by tag. */
async function readTags(layout: string): Promise<ReadonlyMap<string, string>> {
  const path = join(layout, 'index.json');
  if (!existsSync(path)) return new Map();
  const index: { manifests: { digest: string; annotations?: Record<string, string> }[] } = JSON.parse(
    await readFile(path, 'utf8'),
  );
  const tagged = index.manifests.map(
    ({ digest, annotations }) => [annotations?.['org.opencontainers.image.ref.name'] ?? '', digest] as const,
  );
  return new Map(tagged.filter(([tag]) => tag !== ''));
}

/** Returns the digest of an artifact in the layout of a release. */
export async function digestOf({ layout }: Pick<Release, 'layout'>, tag: string): Promise<string> {
  const digest = (await readTags(layout)).get(tag);
  if (digest === undefined) throw new Error(`${layout} has no ${tag}`);
  return digest;
}

/** Reads a manifest, or another JSON document, from the layout. */
export async function readBlob<Content>({ layout }: Pick<Release, 'layout'>, digest: string): Promise<Content> {
  return JSON.parse(await readFile(join(layout, 'blobs', digest.replace(':', '/')), 'utf8'));
}

/** The time of the release, as annotations write it. */
export function createdAt({ epoch }: Pick<Release, 'epoch'>): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
