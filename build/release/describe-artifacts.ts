// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { annotations, createdAt, digestOf, readBlob } from './build-artifacts.ts';
import { architectures, chartName, imageKinds, type Product, products, type Release, root } from './release.ts';

/** The types of the documents, by which clients find them. */
const documentTypes = {
  sbom: 'application/vnd.cyclonedx+json',
  provenance: 'application/vnd.in-toto+json',
} as const;

/** A document about an artifact in the layout. */
interface ArtifactDocument {
  /** The tag of the artifact. */
  readonly subject: string;
  readonly type: string;
  readonly file: string;
}

/**
 * Writes the SBOMs and the provenance, and attaches them to their subjects in the layout. An image gets the SBOM of its
 * base image, an index that of the npm packages, and indexes and the chart get the provenance. Returns the file names.
 */
export async function describeArtifacts(release: Release): Promise<readonly string[]> {
  const documents = [...(await writeSboms(release)), ...(await writeProvenance(release))];
  for (const { subject, type, file } of documents) {
    await release.run(
      { what: `attach ${file}`, folder: release.folder },
      ...(['oras', 'attach', '--oci-layout', `${release.layout}:${subject}`] as const),
      ...['--artifact-type', type, ...annotations(release), `${file}:${type}`],
    );
  }
  return [...new Set(documents.map(({ file }) => file))];
}

async function writeSboms(release: Release): Promise<readonly ArtifactDocument[]> {
  const documents: ArtifactDocument[] = [];
  const type = documentTypes.sbom;
  const npm = `${chartName}-npm.cdx.json`;
  const flags = ['--sbom-format', 'cyclonedx', '--package-lock-only', '--omit', 'dev'];
  await writeSbom(
    release,
    npm,
    await release.run({ what: 'list the npm packages', folder: root }, 'npm', 'sbom', ...flags),
  );
  for (const kind of imageKinds) {
    for (const architecture of architectures) {
      const subject = `${kind}-${architecture}`;
      const file = `${chartName}-${kind}-linux-${architecture}.cdx.json`;
      await writeSbom(release, file, await scanImage(release, subject));
      documents.push({ subject, type, file });
    }
    documents.push({ subject: kind, type, file: npm });
  }
  return documents;
}

/** Lists the packages of an image. syft reads only layouts with a single image, so the image is copied. */
async function scanImage(release: Release, subject: string): Promise<string> {
  await using copy = await mkdtempDisposable(join(release.folder, '.scan-'));
  const what = `list the packages of ${subject}`;
  const [from, to] = [`${release.layout}:${subject}`, `${copy.path}:image`];
  await release.run({ what }, 'oras', 'cp', '--from-oci-layout', from, '--to-oci-layout', to);
  const name = ['--source-name', `${release.registry}/${subject}`, '--source-version', release.version];
  const environment = { SYFT_CHECK_FOR_APP_UPDATE: 'false' };
  return await release.run(
    { what, environment },
    'syft',
    'scan',
    `oci-dir:${copy.path}`,
    ...name,
    '--output',
    'cyclonedx-json',
  );
}

/** Writes an SBOM without its random number, and with the time of the release. */
async function writeSbom(release: Release, file: string, text: string): Promise<void> {
  const { serialNumber: _random, ...sbom } = JSON.parse(text);
  sbom.metadata.timestamp = createdAt(release);
  // npm takes this name from the directory of the working tree.
  if (file.includes('-npm.')) sbom.metadata.component.name = chartName;
  await writeFile(join(release.folder, file), `${JSON.stringify(sbom, undefined, 2)}\n`);
}

async function writeProvenance(release: Release): Promise<readonly ArtifactDocument[]> {
  const documents: ArtifactDocument[] = [];
  for (const product of products) {
    const file = provenanceFile(product);
    const statement = await provenanceOf(release, product);
    await writeFile(join(release.folder, file), `${JSON.stringify(statement, undefined, 2)}\n`);
    documents.push({ subject: product, type: documentTypes.provenance, file });
  }
  return documents;
}

/** @example 'kube-macvtap-node.intoto.json' */
export function provenanceFile(product: Product): string {
  return `${chartName}-${product === chartName ? 'chart' : product}.intoto.json`;
}

/** Returns the provenance of an artifact (https://slsa.dev/spec/v1.1/provenance). */
async function provenanceOf(release: Release, product: Product): Promise<object> {
  const { version, commit, registry, builder } = release;
  const digest = await digestOf(release, product);
  const bases = product === chartName ? [] : await basesOf(release, product);
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${registry}/${product}`, digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:kube-macvtap:release:1',
        externalParameters: { registry, version, platforms: architectures.map((name) => `linux/${name}`) },
        resolvedDependencies: [{ name: 'source', digest: { gitCommit: commit } }, ...bases],
      },
      runDetails: { builder: { id: builder } },
    },
  };
}

/** Returns the base images, which buildah writes into the annotations of an image. */
async function basesOf(release: Release, product: string): Promise<readonly object[]> {
  const bases = await Promise.all(
    architectures.map(async (architecture) => {
      const digest = await digestOf(release, `${product}-${architecture}`);
      const image = await readBlob<{ annotations?: Record<string, string> }>(release, digest);
      const { 'org.opencontainers.image.base.name': name, 'org.opencontainers.image.base.digest': base = '' } =
        image.annotations ?? {};
      const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(base) ?? [];
      return sha256 === undefined ? [] : [{ name: `${name} linux/${architecture}`, digest: { sha256 } }];
    }),
  );
  return bases.flat();
}
