// SPDX-License-Identifier: Apache-2.0
// Tests the virtual machines that other tests use. iproute2 creates their macvtaps, so kube-macvtap is not involved.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { addLink } from '../process/plugin-node.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import { needsMachines } from './needs-machines.ts';
import { startMachine } from './start-machine.ts';
import { startPing } from './start-ping.ts';

const options = { skip: needsMachines, timeout: 600_000 };

async function makeNode(): Promise<NetworkNamespace> {
  const node = await makeNetworkNamespace();
  await addLink(node, 'p0');
  return node;
}

/**
 * Makes a namespace for a pod, with a macvtap on the node's p0. The macvtap is up, and its tap still belongs to root.
 */
async function makePod(node: NetworkNamespace, index: number) {
  await using undo = new AsyncDisposableStack();
  const namespace = undo.use(await makeNetworkNamespace());
  await node.ip(`link add link p0 name m${index} type macvtap mode bridge`);
  await node.ip(`link set m${index} netns ${namespace.name}`);
  await namespace.ip(`link set m${index} up`);
  const [link] = await namespace.ipJSON<{ ifindex: number; address: string }>(`link show m${index}`);
  assert.ok(link !== undefined);
  const { ifindex, address: macAddress } = link;
  const tapPath = `/dev/tap${ifindex}`;
  const scope = undo.move();
  return {
    namespace,
    tapPath,
    macAddress,
    own: () => chown(tapPath, 107, 107),
    start: () => startMachine({ name: `m${index}`, namespace, tapPath, macAddress, address: `10.99.0.${index}/24` }),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

describe('a virtual machine', () => {
  it(
    'carries out commands one after the other, reaches only the other machine, and misses lost frames',
    options,
    async () => {
      await using node = await makeNode();
      await using podA = await makePod(node, 1);
      await using podB = await makePod(node, 2);
      await podA.own();
      await podB.own();
      await using a = await podA.start();
      await using b = await podB.start();
      const answers = await Promise.all(['sleep 0.2; printf one', 'echo two; echo three >&2; false'].map(a.run));
      assert.deepEqual(answers, [
        { exitCode: 0, output: 'one' },
        { exitCode: 1, output: 'two\nthree' },
      ]);
      const { output } = await b.run('ip link show eth0');
      assert.match(output, new RegExp(`link/ether ${podB.macAddress} `));
      const ping = await startPing(a, '10.99.0.2');
      await ping.goesOn();
      await ping.assertComplete();
      assert.equal((await a.run('ping -c 1 -W 1 10.99.0.3')).exitCode, 1);

      const disturbed = await startPing(a, '10.99.0.2');
      await disturbed.goesOn();
      await podB.namespace.ip('link set m2 down');
      await a.run('sleep 1');
      await podB.namespace.ip('link set m2 up');
      await disturbed.goesOn();
      await assert.rejects(disturbed.assertComplete(), /bytes from 10\.99\.0\.2: seq=0 /);
    },
  );

  it('that ends fails the command with all that it printed', options, async () => {
    await using node = await makeNode();
    await using pod = await makePod(node, 1);
    await pod.own();
    await using machine = await pod.start();
    await assert.rejects(machine.run('echo going; poweroff -f'), /machine m1 ended before.*going/s);
    await assert.rejects(machine.run('true'), /machine m1 ended before/);
  });

  it('opens its tap as the user of virtual machines, not as root', options, async () => {
    await using node = await makeNode();
    await using pod = await makePod(node, 1);
    await assert.rejects(pod.start(), new RegExp(`machine m1 ended before.*${pod.tapPath}: Permission denied`, 's'));
  });

  it('dies with the process that started it, even if that one is killed', options, async () => {
    await using node = await makeNode();
    await using pod = await makePod(node, 1);
    await pod.own();
    const program = fileURLToPath(new URL('programs/start-a-machine.ts', import.meta.url));
    const given = [pod.namespace.name, pod.tapPath, pod.macAddress];
    await using parent = startProcess({ name: 'parent', command: [process.execPath, program, ...given] });
    const line = await parent.waitForLine(/^machine is process \d+$/, 180_000);
    // A process stays in /proc until its parent has read its exit code, but its `exe` disappears when it ends.
    const isRunning = async () => existsSync(`/proc/${line.split(' ').at(-1)}/exe`);
    assert.ok(await isRunning());
    parent.signal('SIGKILL');
    await until(isRunning, (is) => !is);
  });
});
