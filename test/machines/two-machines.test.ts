// SPDX-License-Identifier: Apache-2.0
// Two virtual machines on taps that the node plugin allocated and its CNI plugin attached. Frames take the same path as
// in a cluster; only kubelet and the container runtime are stand-ins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRealShim } from '../process/shim-node.ts';
import { until } from '../process/until.ts';
import { type MachinePod, makeMachineNode, type Sandbox } from './machine-node.ts';
import { needsMachines } from './needs-machines.ts';
import { type Machine, startMachine } from './start-machine.ts';
import { startPing } from './start-ping.ts';

const options = { skip: needsMachines || needsRealShim, timeout: 900_000 };

const addresses = { a: '10.99.0.1', b: '10.99.0.2' } as const;
type Name = keyof typeof addresses;

function startIn(name: Name, { tapPath }: MachinePod, { namespace, macAddress }: Sandbox): Promise<Machine> {
  return startMachine({ name, namespace, tapPath, macAddress, address: `${addresses[name]}/24` });
}

/** Asserts that a machine gets an answer from another one to each of five pings. */
async function assertReaches(machine: Machine, name: Name): Promise<void> {
  const { exitCode, output } = await machine.run(`ping -c 5 -i 0.2 ${addresses[name]}`);
  assert.equal(exitCode, 0, output);
  assert.match(output, /^5 packets transmitted, 5 packets received, 0% packet loss$/m);
}

test('two machines ping each other, also while the node plugin is dead and after it came back', options, async () => {
  await using node = await makeMachineNode();
  const plugin = await node.startPlugin();
  const pods = { a: await node.admit('vm-a'), b: await node.admit('vm-b') };
  await using sandboxA = await pods.a.makeSandbox();
  await using sandboxB = await pods.b.makeSandbox();
  await using a = await startIn('a', pods.a, sandboxA);
  await using b = await startIn('b', pods.b, sandboxB);
  const describe = () => Promise.all([sandboxA, sandboxB].map((sandbox) => sandbox.describe()));
  const before = await describe();

  const ping = await startPing(a, addresses.b);
  await ping.goesOn();
  await assertReaches(b, 'a');
  await node.killPlugin(plugin);
  await ping.goesOn();
  await assertReaches(b, 'a');
  await node.startPlugin();
  for (const sandbox of [sandboxA, sandboxB]) await sandbox.check();
  await ping.goesOn();
  await assertReaches(b, 'a');

  assert.deepEqual(await describe(), before, 'the taps are the same');
  await ping.assertComplete();
  const { output } = await a.run('cat /proc/net/arp');
  assert.match(output, new RegExp(`^10\\.99\\.0\\.2 .* ${sandboxB.macAddress} `, 'm'));
});

test('a machine is reached again, with its address, when its pod got another sandbox', options, async () => {
  await using node = await makeMachineNode();
  await node.startPlugin();
  const pods = { a: await node.admit('vm-a'), b: await node.admit('vm-b') };
  await using sandboxA = await pods.a.makeSandbox();
  await using a = await startIn('a', pods.a, sandboxA);
  const known: string[] = [];
  for (const _ of ['first', 'second']) {
    await using sandbox = await pods.b.makeSandbox();
    known.push(sandbox.macAddress);
    {
      await using _b = await startIn('b', pods.b, sandbox);
      await assertReaches(a, 'b');
    }
    await sandbox.remove();
  }
  assert.equal(known[1], known[0]);
});

test(
  'two machines ping each other over IPv6, link-local and by addresses of router advertisements',
  options,
  async () => {
    await using node = await makeMachineNode();
    await node.startPlugin();
    const pods = { a: await node.admit('vm-a'), b: await node.admit('vm-b') };
    await using sandboxA = await pods.a.makeSandbox();
    await using sandboxB = await pods.b.makeSandbox();
    await using a = await startIn('a', pods.a, sandboxA);
    await using b = await startIn('b', pods.b, sandboxB);
    node.advertiseRouter();
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const scope of ['link', 'global'] as const) {
        const address = await findIPv6Address(to, scope);
        await findIPv6Address(from, scope);
        const { exitCode, output } = await from.run(`ping -6 -c 5 -i 0.2 -I eth0 ${address}`);
        assert.equal(exitCode, 0, output);
        assert.match(output, /^5 packets transmitted, 5 packets received, 0% packet loss$/m);
      }
    }
    const [link] = await sandboxA.namespace.ipJSON<{ flags: string[] }>('link show net1');
    assert.ok(!link?.flags.includes('PROMISC'));
  },
);

/** Returns a machine's address after duplicate address detection. */
async function findIPv6Address(machine: Machine, scope: 'link' | 'global'): Promise<string> {
  const { output } = await until(
    () => machine.run(`ip -6 address show dev eth0 scope ${scope}`),
    ({ output }) => addressIn(output) !== undefined && !output.includes('tentative'),
  );
  return addressIn(output) ?? '';
}

/** `    inet6 fe80::5054:ff:fe00:1/64 scope link` */
function addressIn(output: string): string | undefined {
  return /inet6 ([\da-f:]+)\//.exec(output)?.[1];
}
