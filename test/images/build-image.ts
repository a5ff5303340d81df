// SPDX-License-Identifier: Apache-2.0
import type { BaseImages } from './base-images.ts';
import { dockerfileOf, type ImageInputs, type ImageKind, root } from './image-inputs.ts';
import { readNpmAccess } from './npm-access.ts';
import type { Buildah } from './run-buildah.ts';

export interface BuildOptions {
  readonly buildah: Buildah;
  readonly kind: ImageKind;
  readonly inputs: ImageInputs;
  readonly bases: BaseImages;
  /** The image's name in buildah's storage. */
  readonly name: string;
  /** The architecture of the target machines; the default is this machine's. @example 'arm64' */
  readonly architecture?: string;
  readonly print: (line: string) => void;
}

/** This machine's architecture, as a Dockerfile calls it. */
const ownArchitecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** How many characters of a Dockerfile's instruction are printed. */
const shownWidth = 100;

/** Builds an image from its Dockerfile as in docs/contributing/images.md, except for the base images. */
export async function buildImage(options: BuildOptions): Promise<void> {
  const { buildah, kind, inputs, bases, name, architecture = ownArchitecture, print } = options;
  await using npm = await readNpmAccess();
  const onLine = (line: string) => {
    if (/(^|\] )STEP \d+/.test(line)) print(`${kind}: ${line.replaceAll(/ {2,}/g, ' ').slice(0, shownWidth)}`);
  };
  await buildah.follow(
    onLine,
    ...['bud', '--pull-never', '--no-cache', '--file', dockerfileOf(kind), '--tag', name],
    ...['--build-arg', `BUILD_IMAGE=${bases.build}`, '--build-arg', `RUN_IMAGE=${bases.run}`],
    ...['--build-arg', `VERSION=${inputs.version}`, '--build-arg', `REVISION=${inputs.revision}`],
    ...['--timestamp', String(inputs.epoch)],
    // Unlike BuildKit, buildah 1.28 does not detect the platform on which it builds.
    ...['--platform', `linux/${architecture}`, '--build-arg', `BUILDPLATFORM=linux/${ownArchitecture}`],
    ...npm.flags,
    root,
  );
}
