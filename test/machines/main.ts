// SPDX-License-Identifier: Apache-2.0
// Builds the image from which test machines start: node test/machines/main.ts
import { buildImage } from './build-image.ts';
import { cacheFolder } from './image-folder.ts';

try {
  await buildImage({ folder: cacheFolder, print: (line) => console.error(line) });
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
