// SPDX-License-Identifier: Apache-2.0
import { openNetworkNamespace } from '../../kernel/network-namespace.ts';
import { startMachine } from '../start-machine.ts';

/** Starts a machine that runs for longer than any test waits. The test then kills this program. */
const [, , namespace = '', tapPath = '', macAddress = ''] = process.argv;

await using machine = await startMachine({
  name: 'left alone',
  namespace: openNetworkNamespace(namespace),
  ...{ tapPath, macAddress, address: '10.99.0.9/24' },
});
console.log(`machine is process ${machine.pid}`);
await machine.run('sleep 3600');
