// SPDX-License-Identifier: Apache-2.0
// Builds the image from which nodes that are machines start: node test/cluster/machine/main.ts
import { ensureRootImage } from './root-image.ts';

try {
  await ensureRootImage({ print: (line) => console.error(line) });
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
