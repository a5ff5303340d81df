// SPDX-License-Identifier: Apache-2.0
import { ensureImages, imageName } from '../../images/ensure-images.ts';
import { imageKinds, readInputs } from '../../images/image-inputs.ts';
import type { ImageArchive } from '../images/build-images.ts';

/** Builds the images of this source tree from its Dockerfiles, unless they were built before. */
export async function ownImages(print: (line: string) => void): Promise<readonly ImageArchive[]> {
  const archives = await ensureImages({ print });
  const images = imageKinds.map(async (kind) => ({
    name: imageName(kind, await readInputs(kind)),
    path: archives[kind],
  }));
  return await Promise.all(images);
}
