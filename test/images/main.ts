// SPDX-License-Identifier: Apache-2.0
// Builds the images of the working tree and prints the paths of their archives: node test/images/main.ts
import { ensureImages } from './ensure-images.ts';

try {
  for (const path of Object.values(await ensureImages())) console.log(path);
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
