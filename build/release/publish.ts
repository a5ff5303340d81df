// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { digestOf, readBlob } from './build-artifacts.ts';
import { provenanceFile } from './describe-artifacts.ts';
import { architectures, type Product, products, type Release, refuse } from './release.ts';

/** An artifact in the layout that is published: an index, an image, the chart, or a document about one of these. */
export interface Artifact {
  readonly product: Product;
  /** The description for the table. @example 'image linux/amd64' */
  readonly title: string;
  readonly digest: string;
  /** The size of everything that a client downloads, in bytes. */
  readonly bytes: number;
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
}

/** Flags of oras for the registry. */
function access({ caFile }: Release): readonly string[] {
  return caFile === undefined ? [] : ['--ca-file', caFile];
}

/**
 * Returns the digest that each product has in the registry under the version. Also checks that the registry can be
 * reached and accepts uploads: it uploads the empty JSON object, which every document refers to.
 */
export async function readPublished(release: Release): Promise<ReadonlyMap<Product, string>> {
  const published = new Map<Product, string>();
  for (const product of products) {
    const name = `${release.registry}/${product}`;
    const what = `write to ${name}`;
    const upload = [...access(release), '--size', '2', `${name}@${emptyObject}`, '-'];
    await release.run({ what, input: '{}' }, 'oras', 'blob', 'push', ...upload);
    const resolve = ['oras', 'resolve', ...access(release), `${name}:${release.version}`] as const;
    const digest = await release.run({ what: `read ${name}` }, ...resolve).catch((thrown: Error) => {
      if (/: not found\b|MANIFEST_UNKNOWN|NAME_UNKNOWN/i.test(String(thrown.cause))) return '';
      throw thrown;
    });
    if (digest !== '') published.set(product, digest.trim());
  }
  return published;
}

/** The digest of `{}`. */
const emptyObject = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

/** Raises `ReleaseRefused` if the registry already has other content under the version. */
export async function checkUnchanged(release: Release, published: ReadonlyMap<Product, string>): Promise<void> {
  for (const [product, digest] of published) {
    const own = await digestOf(release, product);
    if (digest === own) continue;
    const name = `${release.registry}/${product}:${release.version}`;
    throw refuse(`${name} exists with other content (${digest}; this release has ${own}): raise the version`);
  }
}

/** Lists everything that the release publishes, in the order of `products`. */
export async function listArtifacts(release: Release): Promise<readonly Artifact[]> {
  const artifacts: Artifact[] = [];
  for (const product of products) {
    const isImage = product === 'webhook' || product === 'node';
    const tags = isImage ? [product, ...architectures.map((name) => `${product}-${name}`)] : [product];
    for (const tag of tags) {
      const digest = await digestOf(release, tag);
      const title = !isImage ? 'chart' : tag === product ? 'index' : `image linux/${tag.slice(product.length + 1)}`;
      artifacts.push({ product, title, digest, bytes: await sizeOf(release, digest) });
      for (const { digest: document, artifactType } of await referrersOf(release, tag)) {
        const name = `${artifactType?.includes('cyclonedx') ? 'SBOM' : 'provenance'} of ${title}`;
        artifacts.push({ product, title: name, digest: document, bytes: await sizeOf(release, document) });
      }
    }
  }
  return artifacts;
}

async function referrersOf(release: Release, tag: string): Promise<readonly Descriptor[]> {
  const flags = ['--oci-layout', '--format', 'json', '--depth', '1', `${release.layout}:${tag}`];
  const answer = await release.run({ what: `list the documents of ${tag}` }, 'oras', 'discover', ...flags);
  const { referrers = [] }: { referrers?: readonly Descriptor[] } = JSON.parse(answer);
  // The order in the layout changes from run to run.
  return referrers.toSorted((one, other) => (one.digest < other.digest ? -1 : 1));
}

async function sizeOf(release: Release, digest: string): Promise<number> {
  const manifest = await readBlob<{ config?: Descriptor; layers?: Descriptor[]; manifests?: Descriptor[] }>(
    release,
    digest,
  );
  const parts = [
    ...(manifest.layers ?? []),
    ...(manifest.manifests ?? []),
    ...(manifest.config ? [manifest.config] : []),
  ];
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/** Pushes all artifacts without a tag. The registry keeps what an interrupted run has already pushed. */
export async function pushArtifacts(release: Release): Promise<void> {
  const certificates = release.caFile === undefined ? [] : ['--to-ca-file', release.caFile];
  for (const product of products) {
    const target = `${release.registry}/${product}`;
    const source = `${release.layout}@${await digestOf(release, product)}`;
    const flags = ['--recursive', '--from-oci-layout', ...certificates];
    await release.run({ what: `push ${product} to ${target}` }, 'oras', 'cp', ...flags, source, target);
  }
}

/** Gives the pushed artifacts their version. The chart is last, so a version with a chart is complete. */
export async function tagArtifacts(release: Release): Promise<void> {
  for (const product of products) {
    const name = `${release.registry}/${product}@${await digestOf(release, product)}`;
    await release.run({ what: `tag ${name}` }, 'oras', 'tag', ...access(release), name, release.version);
  }
}

/** The name of the public key in the release's directory. */
export const publicKeyFile = 'cosign.pub';

/** Decrypts the key, and writes its public part to the directory of the release. */
export async function readKey(release: Release, key: string): Promise<void> {
  if (process.env.COSIGN_PASSWORD === undefined) {
    const advice = 'set it to the password of the key, or to an empty text';
    throw new MacvtapError('InvalidFlags', `--sign: the variable COSIGN_PASSWORD is not set: ${advice}`);
  }
  const text = await release.run({ what: `read the key ${key}` }, 'cosign', 'public-key', '--key', key);
  await writeFile(join(release.folder, publicKeyFile), text);
}

/**
 * Signs every artifact in the registry with a key file, and without a public transparency log. Also attests the
 * provenance, which `cosign verify-attestation` checks. Skips what the key has already signed, because each signature
 * is different. `readKey` must have read the key.
 */
export async function signArtifacts(release: Release, key: string, artifacts: readonly Artifact[]): Promise<void> {
  for (const { product, title, digest } of artifacts) {
    const name = `${release.registry}/${product}@${digest}`;
    if (await isVerified(release, name, 'verify')) continue;
    await release.run({ what: `sign ${product}, ${title}` }, 'cosign', 'sign', ...signing(release, key), name);
  }
  // After the signatures, because `cosign verify` also accepts an attestation.
  for (const product of products) {
    const name = `${release.registry}/${product}@${await digestOf(release, product)}`;
    if (await isVerified(release, name, 'verify-attestation', ...slsa)) continue;
    const { predicate } = JSON.parse(await readFile(join(release.folder, provenanceFile(product)), 'utf8'));
    const attest = ['cosign', 'attest', '--predicate', '-', ...slsa, ...signing(release, key)] as const;
    await release.run({ what: `attest ${name}`, input: JSON.stringify(predicate) }, ...attest, name);
  }
}

const slsa = ['--type', 'slsaprovenance1'];

/** Flags of cosign for the registry. */
function authority({ caFile }: Release): readonly string[] {
  return caFile === undefined ? [] : ['--registry-cacert', caFile];
}

function signing(release: Release, key: string): readonly string[] {
  return ['--key', key, '--yes', '--tlog-upload=false', '--use-signing-config=false', ...authority(release)];
}

/** Returns whether cosign verifies an artifact with the public key of the release. */
async function isVerified(release: Release, name: string, ...command: readonly string[]): Promise<boolean> {
  const flags = ['--key', join(release.folder, publicKeyFile), '--insecure-ignore-tlog=true', ...authority(release)];
  return await release.run({ what: `verify ${name}` }, 'cosign', ...command, ...flags, name).then(
    () => true,
    () => false,
  );
}
