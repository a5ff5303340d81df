// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { openCNIPlugin } from './cni-plugin.ts';

/** Runs the node plugin's CNI server as a process: `cni-program.ts <directory> <node name>`. Prints `ready`. */
const [directory = '', nodeName = ''] = process.argv.slice(2);

await using plugin = await openCNIPlugin({ directory, nodeName });
writeSync(1, 'ready\n');
const { promise, resolve } = Promise.withResolvers<void>();
const alive = setInterval(() => {}, 60_000);
process.once('SIGTERM', resolve);
await promise;
clearInterval(alive);
for (const { code, message } of plugin.troubles) writeSync(1, `trouble ${code}: ${message}\n`);
