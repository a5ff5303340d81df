// SPDX-License-Identifier: Apache-2.0
// Tests the VLANs of policies on a kernel with 802.1Q. The node plugin runs in a virtual machine, as on a node.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FaultPointName } from '../../runtime/fault-points.ts';
import { nodeObject, policyObject, quick } from '../process/plugin-node.ts';
import { needsMachines } from './needs-machines.ts';
import type { Machine } from './start-machine.ts';
import { startNodeMachine } from './start-node-machine.ts';

const options = { skip: needsMachines, timeout: 600_000 };
const command = [
  ...['/app/node', '/app/plugin/main.mjs', '--source', 'manifests:/m', '--node-name', 'n1', '--kubelet-dir', '/k'],
  ...['--state-dir', '/k/state', '--cni-socket', '/k/cni.sock', '--settle', '20ms', ...quick],
].join(' ');

let machine: Machine;

/** Runs a command, which must succeed, and returns its output. */
async function run(line: string): Promise<string> {
  const { exitCode, output } = await machine.run(line);
  assert.equal(exitCode, 0, `${line}\n${output}\n${(await machine.run('cat /log')).output}`);
  return output;
}

/** Waits until a command succeeds. The timeout of the test ends it. */
async function until(line: string): Promise<void> {
  await run(`until ${line}; do sleep 0.1; done`);
}

const isThere = (link: string) => `test -e /sys/class/net/${link}`;
const isGone = (link: string) => `test ! -e /sys/class/net/${link}`;
const has = (link: string, file: string, value: string | number) =>
  `test "$(cat /sys/class/net/${link}/${file} 2>&1)" = "${value}"`;
const isUp = (link: string) => `/app/ip -o link show ${link} up 2>&1 | grep -q "${link}@"`;
const isOwn = (link: string) => has(link, 'ifalias', 'kube-macvtap');
const isReported = (text: string) => `grep -q -e "${text}" /m/*state*`;

/** Writes a file of manifests. JSON is YAML, and one line. */
async function write(file: string, object: object): Promise<void> {
  await run(`echo '${JSON.stringify(object)}' >/m/.${file} && mv /m/.${file} /m/${file}`);
}

async function want(...vlans: readonly number[]): Promise<void> {
  const entries = vlans.map((vlan) => ({ parentIface: 'p0', vlan }));
  // The last entry matches nothing. With it, the policy is valid and selects the node even without a VLAN.
  await write('policy.yaml', policyObject('p', { parentSelector: [...entries, { parentIface: 'none' }] }));
}

async function startPlugin(fault?: FaultPointName): Promise<void> {
  await run(`${fault === undefined ? '' : `MACVTAP_TEST_FAULT=${fault} `}${command} >>/log 2>&1 & echo $! >/pid`);
}

/** Waits until the node plugin was killed by SIGKILL. */
async function untilKilled(): Promise<void> {
  await run('wait $(cat /pid); test $? = 137');
}

async function killPlugin(): Promise<void> {
  await run('kill -9 $(cat /pid)');
  await untilKilled();
}

/** Returns the VLANs that the node plugin has not finished. They still have a temporary name. */
async function unfinished(): Promise<string> {
  return await run('ls /sys/class/net | grep ^mvv || true');
}

async function addLower(): Promise<void> {
  await run('ip link add p0 type veth && ip link set veth0 up && ip link set p0 up');
}

describe('a VLAN of a policy', options, () => {
  before(async () => {
    if (needsMachines) return;
    machine = await startNodeMachine();
    await run('mkdir -p /m /k/device-plugins');
    await run('/app/node /app/kubelet.mjs /k/device-plugins >/kubelet.log 2>&1 &');
    await write('node.yaml', nodeObject('n1', {}));
    await addLower();
  });
  after(async () => await machine?.[Symbol.asyncDispose]());

  it('causes a trouble while the kernel has no 802.1Q, and is created when the module is loaded', options, async () => {
    await run('rmmod 8021q');
    await want(100);
    await startPlugin();
    await until(isReported('code: VlanUnsupported'));
    await run('kill -0 $(cat /pid)');
    await run('insmod /modules/8021q.ko');
    await until(isOwn('p0.100'));
    await until(`${isReported('health: Healthy')} && ! ${isReported('VlanUnsupported')}`);
    await run(isUp('p0.100'));
    assert.match(await run('cat /proc/net/vlan/config'), /p0\.100 +\| 100 +\| p0/);
    assert.equal(await unfinished(), '');
  });

  it('gets each lower or higher MTU of the interface below it', options, async () => {
    for (const mtu of [1400, 9000, 1500]) {
      await run(`ip link set p0 mtu ${mtu}`);
      await until(has('p0.100', 'mtu', mtu));
    }
  });

  it(
    'goes up and down with the interface below it, and is set up if an administrator sets it down',
    options,
    async () => {
      await run('ip link set p0 down');
      await until(`! ${isUp('p0.100')}`);
      await run('ip link set p0 up');
      await until(isUp('p0.100'));
      await run('ip link set p0.100 down');
      await until(isUp('p0.100'));
    },
  );

  it('is recreated after an administrator deletes it or the interface below it', options, async () => {
    const ifindex = await run('cat /sys/class/net/p0.100/ifindex');
    await run('ip link del p0.100');
    await until(isOwn('p0.100'));
    assert.notEqual(await run('cat /sys/class/net/p0.100/ifindex'), ifindex);
    await run('ip link del p0');
    await until(isReported('code: NothingFound'));
    await addLower();
    await until(isOwn('p0.100'));
  });

  it('is removed only if it is unused', options, async () => {
    await want(100, 200, 300);
    for (const link of ['p0.200', 'p0.300']) await until(isOwn(link));
    await run('/app/ip link add link p0.200 name m0 type macvtap');
    await want(100);
    await until(isGone('p0.300'));
    await run(`${isThere('p0.100')} && ${isThere('p0.200')}`);
    await run('ip link del m0');
    await until(isGone('p0.200'));
  });

  it('can be recreated by an administrator, and is then never removed', options, async () => {
    await want(100, 200);
    await until(isOwn('p0.200'));
    await run('ip link del p0.100 && ip link add link p0 name p0.100 type vlan id 100');
    await until('grep -q "VLAN that an administrator created" /log');
    await run('ip link set p0.100 mtu 1300');
    await want();
    await until(isGone('p0.200'));
    await run(`${has('p0.100', 'ifalias', '')} && ${has('p0.100', 'mtu', 1300)}`);
    await want(100);
    await until(isReported('parent: p0.100'));
    await run('ip link del p0.100');
    await until(isOwn('p0.100'));
  });

  it('belongs to an administrator who clears its alias', options, async () => {
    await run('/app/ip link set p0.100 alias ""');
    await want(200);
    await until(isOwn('p0.200'));
    await want();
    await until(isGone('p0.200'));
    await run(isThere('p0.100'));
    await run('ip link del p0.100');
  });

  it('is not created if an 802.1ad VLAN has its ID, and the 802.1ad VLAN is not changed', options, async () => {
    await run('/app/ip link add link p0 name provider type vlan proto 802.1ad id 100');
    // The node plugin creates p0.200 after it has read the links, so it then knows the 802.1ad VLAN.
    await want(100);
    await until(isReported('code: VlanProtocol'));
    await run(`${isGone('p0.100')} && ${isThere('provider')}`);
    await run('ip link del provider');
    await until(isOwn('p0.100'));
  });

  it('gets a short name, and its full name as an altname, if the full name is too long', options, async () => {
    await run('ip link add lower-of-15-byt type veth && ip link set lower-of-15-byt up');
    const parentSelector = [{ parentIface: 'lower-of-15-byt', vlan: 100 }];
    await write('long.yaml', policyObject('long', { parentSelector }));
    await until('/app/ip -j link show lower-of-15-byt.100 >/shown');
    const [shown] = JSON.parse(await run('cat /shown'));
    assert.match(shown.ifname, /^mvv[0-9a-f]{12}$/);
    await until(isOwn(shown.ifname));
    await until(isReported('name: lower-of-15-byt.100'));
    await run('rm /m/long.yaml');
    await until(isGone(shown.ifname));
  });

  for (const fault of ['vlan-created', 'vlan-finished'] as const) {
    it(`is complete after the node plugin was killed at ${fault}`, options, async () => {
      await killPlugin();
      await run('ip link del p0.100');
      await startPlugin(fault);
      await untilKilled();
      assert.equal((await unfinished()) !== '', fault === 'vlan-created');
      await startPlugin();
      await until(`${isOwn('p0.100')} && ${isUp('p0.100')}`);
      assert.equal(await unfinished(), '');
    });
  }

  it('is removed by the next node plugin if it is no longer in a policy', options, async () => {
    await killPlugin();
    await run('ip link del p0.100');
    await startPlugin('vlan-created');
    await untilKilled();
    await want();
    await startPlugin('vlan-removed');
    await untilKilled();
    await startPlugin();
    await until(isGone('p0.200'));
    await until('! ls /sys/class/net | grep -q ^mvv');
    await want(100);
    await until(isOwn('p0.100'));
  });
});
