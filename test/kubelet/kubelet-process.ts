// SPDX-License-Identifier: Apache-2.0
import { startKubelet } from './start-kubelet.ts';

// Runs the stand-in as a separate process, for tests that kill it: node kubelet-process.ts <directory>
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: kubelet-process.ts <device-plugins directory>');
await startKubelet({ directory });
process.stdout.write('ready\n');
