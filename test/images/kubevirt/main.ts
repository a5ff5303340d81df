// SPDX-License-Identifier: Apache-2.0
// Builds the images of KubeVirt and its guests from built programs: node test/images/kubevirt/main.ts
import { ensureKubeVirt } from './ensure-kubevirt.ts';

try {
  await ensureKubeVirt((line) => console.error(line));
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
