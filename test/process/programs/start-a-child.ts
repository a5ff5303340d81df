// SPDX-License-Identifier: Apache-2.0
import { startProcess } from '../start-process.ts';

/** Starts a process that holds a pipe open for longer than any test waits. The test then kills this program. */
const [, , pipe = ''] = process.argv;

const child = startProcess({
  name: 'child',
  command: ['sh', '-c', 'exec 3>"$PIPE"; echo ready; exec sleep 60'],
  environment: { PIPE: pipe },
});
await child.waitForLine(/^ready$/);
console.log('child is ready');
await child.exit;
