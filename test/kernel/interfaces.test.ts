// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { afterEach, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLinks } from '../../nodeplugin/links/links.ts';
import type { InterfaceWatch } from '../../nodeplugin/links/watch-interfaces.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here, there } = await runInNamespace(import.meta.filename);

afterEach(async () => {
  if (needsRoot) return;
  for (const { ifname, ifindex } of await here.ipJSON('link')) {
    // The link may already be gone: deleting one end of a veth pair deletes both.
    if (ifindex !== 1) await here.ip(`link del ${ifname}`).catch(() => undefined);
  }
  await here.ip('link set lo down');
});

async function readFacts(name: string): Promise<InterfaceFacts> {
  await using links = await openLinks();
  const all = await links.readInterfaces();
  const found = all.find((facts) => facts.name === name);
  assert.ok(found, `${name} is not among ${all.map((facts) => facts.name)}`);
  return found;
}

/** Waits until the watch reports facts that satisfy the condition. The test's own timeout ends the wait. */
async function untilFacts(
  watch: InterfaceWatch,
  { signal }: TestContext,
  holds: (facts: readonly InterfaceFacts[]) => boolean,
): Promise<void> {
  if (holds(watch.current)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  using _ = watch.onChange((facts) => {
    if (holds(facts)) resolve();
  });
  await promise;
}

test("the facts of a veth pair match iproute2's", { skip: needsRoot }, async () => {
  await here.ip('link add p0 mtu 1400 type veth peer name p1');
  await here.ip('link set p0 up');
  await here.ip('link set p1 up');
  const [shown] = await here.ipJSON('link show p0');
  const [peer] = await here.ipJSON('link show p1');
  assert.deepEqual(await readFacts('p0'), {
    name: 'p0',
    altNames: [],
    ifindex: shown?.ifindex,
    kind: 'veth',
    ethernet: true,
    loopback: false,
    up: true,
    carrier: true,
    mtu: 1400,
    macAddress: shown?.address,
    driver: 'veth',
    lowerIfindex: peer?.ifindex,
    addresses: [],
    defaultRoute: false,
  });
});

test('every interface of the namespace is listed, by index', { skip: needsRoot }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link add b0 type bridge');
  await using links = await openLinks();
  const shown = await here.ipJSON('link');
  assert.deepEqual(
    (await links.readInterfaces()).map(({ name, ifindex }) => [name, ifindex]),
    shown.map(({ ifname, ifindex }) => [ifname, ifindex]).toSorted((a, b) => Number(a[1]) - Number(b[1])),
  );
});

test('a link that is down has no carrier and is not up', { skip: needsRoot }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  const { up, carrier } = await readFacts('p0');
  assert.deepEqual({ up, carrier }, { up: false, carrier: false });
});

test('the loopback interface is marked as such, and is not an Ethernet link', { skip: needsRoot }, async () => {
  const { loopback, ethernet, kind } = await readFacts('lo');
  assert.deepEqual({ loopback, ethernet, kind }, { loopback: true, ethernet: false, kind: 'device' });
});

test('alternative names are read, including those that are longer than an interface name', {
  skip: needsRoot,
}, async () => {
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link property add dev p0 altname an-uplink-in-the-third-rack altname b');
  assert.deepEqual((await readFacts('p0')).altNames, ['an-uplink-in-the-third-rack', 'b']);
});

test('a link whose peer is in another namespace has no lower link', { skip: needsRoot }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  await here.ip(`link set p1 netns ${there.name}`);
  assert.equal((await readFacts('p0')).lowerIfindex, undefined);
});

test('a port of a bridge has the bridge as its master', { skip: needsRoot }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link add b0 type bridge');
  await here.ip('link set p0 master b0');
  assert.deepEqual((await readFacts('p0')).master, { name: 'b0', kind: 'bridge' });
  assert.equal((await readFacts('p1')).master, undefined);
  assert.equal((await readFacts('b0')).kind, 'bridge');
});

test('a macvtap has its kind, and its parent as lower link', { skip: needsRoot }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link add link p0 name mv0 type macvtap mode vepa');
  const { kind, lowerIfindex } = await readFacts('mv0');
  assert.deepEqual({ kind, lowerIfindex }, { kind: 'macvtap', lowerIfindex: (await readFacts('p0')).ifindex });
});

test('addresses with scope link or host are left out', { skip: needsRoot }, async () => {
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link set p0 up');
  await here.ip('link set p1 up');
  await here.ip('link set lo up');
  await here.ip('addr add 10.1.2.3/24 dev p0');
  await here.ip('addr add 10.9.9.9/32 peer 10.9.9.1 dev p0');
  await here.ip('addr add 169.254.7.7/16 dev p0 scope link');
  await here.ip('addr add 2001:db8::7/64 dev p0 nodad');
  assert.deepEqual((await readFacts('p0')).addresses, ['10.1.2.3/24', '10.9.9.9/32', '2001:db8::7/64']);
  assert.deepEqual((await readFacts('p1')).addresses, []);
  assert.deepEqual((await readFacts('lo')).addresses, []);
});

for (const [family, address, route] of [
  ['IPv4', '10.1.2.3/24', 'route add default via 10.1.2.1'],
  ['IPv6', '2001:db8::7/64', '-6 route add default via 2001:db8::1'],
] as const) {
  test(`a default route of ${family} is reported, and only on its link`, { skip: needsRoot }, async () => {
    await here.ip('link add p0 type veth peer name p1');
    await here.ip('link set p0 up');
    await here.ip('link set p1 up');
    await here.ip(`addr add ${address} dev p0`);
    assert.equal((await readFacts('p0')).defaultRoute, false);
    await here.ip(route);
    assert.equal((await readFacts('p0')).defaultRoute, true);
    assert.equal((await readFacts('p1')).defaultRoute, false);
  });
}

test('a default route over several links is on each of them; routes of another table, or to nowhere, are on none', {
  skip: needsRoot,
}, async () => {
  for (const name of ['p', 'q', 'r']) {
    await here.ip(`link add ${name}0 type veth peer name ${name}1`);
    await here.ip(`link set ${name}0 up`);
    await here.ip(`link set ${name}1 up`);
  }
  await here.ip('route add default nexthop dev p0 nexthop dev q0');
  await here.ip('route add default dev r0 table 100');
  await here.ip('route add 10.0.0.0/8 dev r0');
  await here.ip('route add unreachable default metric 9999');
  assert.equal((await readFacts('p0')).defaultRoute, true);
  assert.equal((await readFacts('q0')).defaultRoute, true);
  assert.equal((await readFacts('r0')).defaultRoute, false);
});

test('the facts follow changes of links, addresses and routes', {
  skip: needsRoot,
  timeout: 120_000,
}, async (context) => {
  await here.ip('link add p0 type veth peer name p1');
  await using links = await openLinks();
  await using watch = await links.watchInterfaces((error) => assert.fail(error));
  const find = (name: string) => (facts: readonly InterfaceFacts[]) => facts.find((link) => link.name === name);

  await here.ip('link set p1 up');
  await here.ip('link set p0 name uplink0');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts) !== undefined && find('p0')(facts) === undefined);
  await here.ip('link set uplink0 up');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.carrier === true);
  await here.ip('link property add dev uplink0 altname rack3');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.altNames?.[0] === 'rack3');
  await here.ip('addr add 10.1.2.3/24 dev uplink0');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.addresses?.length === 1);
  await here.ip('route add default via 10.1.2.1');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.defaultRoute === true);
  // The kernel drops the route with the address, and sends no event for the route.
  await here.ip('addr del 10.1.2.3/24 dev uplink0');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.defaultRoute === false);
  await here.ip('link set uplink0 mtu 1300');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.mtu === 1300);
  await here.ip('link add b0 type bridge');
  await here.ip('link set uplink0 master b0');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts)?.master?.name === 'b0');
  await here.ip('link del uplink0');
  await untilFacts(watch, context, (facts) => find('uplink0')(facts) === undefined);
});

test('after many changes in a row, the facts show the last state', {
  skip: needsRoot,
  timeout: 120_000,
}, async (context) => {
  await here.ip('link add p0 type veth peer name p1');
  await using links = await openLinks();
  await using watch = await links.watchInterfaces((error) => assert.fail(error));
  const children = Array.from({ length: 2 }, async (_, i) => {
    for (let mtu = 1000; mtu < 1200; mtu += 1) await here.ip(`link set p${i} mtu ${mtu}`);
  });
  await Promise.all(children);
  await here.ip('link set p0 mtu 1444');
  await untilFacts(watch, context, (facts) => facts.some((link) => link.name === 'p0' && link.mtu === 1444));
});

test('settled resolves after the last of several changes', {
  skip: needsRoot,
  timeout: 120_000,
}, async () => {
  await using links = await openLinks();
  await using watch = await links.watchInterfaces((error) => assert.fail(error));
  const settled = watch.settled(1000);
  for (const name of ['p', 'q', 'r']) {
    await here.ip(`link add ${name}0 type veth peer name ${name}1`);
    await sleep(50);
  }
  await settled;
  assert.equal(watch.current.length, 7);
});
