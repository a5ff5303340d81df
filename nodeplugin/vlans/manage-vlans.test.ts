// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { entries, nic, plan } from '../../test/fixtures/plan/build-example.ts';
import type { HeldDevice } from '../reconcile/served-resource.ts';
import { manageVlans, type VlanEvent } from './manage-vlans.ts';

const bond = nic('bond1', { kind: 'bond', ifindex: 5 });
const protocol = '802.1Q';
const theirs = nic('storage', { kind: 'vlan', ifindex: 7, lowerIfindex: 5, vlan: { id: 100, protocol } });

/** Creates a node with links in memory, and the manager of its VLANs. */
function makeNode({ yieldMs = 1, isHeldKnown = true } = {}) {
  let links: readonly InterfaceFacts[] = [bond];
  let watched = links;
  let nextIfindex = 100;
  let policies = [entries({ parentIface: 'bond1', vlan: 100 })];
  const listeners = new Set<(facts: readonly InterfaceFacts[]) => void>();
  const events: string[] = [];
  const news = new Set<() => void>();
  const held: HeldDevice[] = [];
  const node = {
    events,
    held,
    refusal: undefined as MacvtapError | undefined,
    /** While true, the watch does not contain changes of the links. */
    isLate: false,
    isHeldKnown,
    get links() {
      return links.map(({ name }) => name);
    },
    set(next: readonly InterfaceFacts[]) {
      links = next;
      if (!node.isLate) watched = links;
      for (const listener of listeners) listener(watched);
      manager.look();
      notify();
    },
    get facts() {
      return links;
    },
    want(...vlans: readonly number[]) {
      policies = vlans.map((vlan) => entries({ parentIface: 'bond1', vlan }));
      manager.look();
    },
    /** Resolves when the condition is true. It is checked after each event and each change of a link. */
    async until(holds: () => boolean): Promise<void> {
      while (!holds()) await new Promise<void>((resolve) => news.add(resolve));
    },
    plan: () => plan({ interfaces: watched, policies, implicit: undefined }),
  };
  const notify = () => {
    for (const resolve of news) resolve();
    news.clear();
  };
  const manager = manageVlans({
    links: {
      createVlan: async ({ lower, lowerIfindex, id, up }) => {
        if (node.refusal !== undefined) throw node.refusal;
        nextIfindex += 1;
        const facts = {
          kind: 'vlan',
          ifindex: nextIfindex,
          lowerIfindex,
          up,
          vlan: { id, protocol, managed: true },
        } as const;
        node.set([...links, nic(`${lower}.${id}`, facts)]);
      },
      finishVlan: async () => assert.fail('no VLAN is unfinished'),
      setLink: async ({ ifindex, mtu, up }) =>
        node.set(
          links.map((link) =>
            link.ifindex === ifindex
              ? { ...link, ...(mtu !== undefined && { mtu }), ...(up !== undefined && { up }) }
              : link,
          ),
        ),
      deleteLink: async (ifindex) => node.set(links.filter((link) => link.ifindex !== ifindex)),
      readInterfaces: async () => links,
    },
    interfaces: {
      get current() {
        return watched;
      },
      onChange(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    plan: {
      get current() {
        return { plan: node.plan(), madeMs: 0, isInForce: true };
      },
    },
    held: { current: () => held, releasedDevices: () => [] },
    ledger: { entries: () => [] },
    isHeldKnown: () => node.isHeldKnown,
    graceMs: 1,
    yieldMs,
    onEvent: (event) => {
      events.push(describeEvent(event));
      notify();
    },
    onChange: notify,
  });
  return Object.assign(node, { manager, [Symbol.asyncDispose]: () => manager[Symbol.asyncDispose]() });
}

function describeEvent(event: VlanEvent): string {
  return `${event.kind} ${event.name}${event.kind === 'failed' ? ` ${event.error.code}` : ''}`;
}

const unsupported = new MacvtapError('VlanUnsupported', 'cannot create VLAN 100 on bond1');

describe('the VLAN manager', () => {
  it('has created the VLANs of the first plan when prepare resolves', async () => {
    await using node = makeNode();
    await node.manager.prepare(node.plan());
    assert.deepEqual(node.links, ['bond1', 'bond1.100']);
    assert.deepEqual(node.events, ['created bond1.100']);
  });

  it('does not create a VLAN again that the watch does not contain yet', async () => {
    await using node = makeNode();
    node.isLate = true;
    node.manager.look();
    await node.until(() => node.events.includes('created bond1.100'));
    node.want(100, 200);
    await node.until(() => node.events.includes('created bond1.200'));
    assert.deepEqual(node.events, ['created bond1.100', 'created bond1.200']);
    assert.deepEqual(node.links, ['bond1', 'bond1.100', 'bond1.200']);
  });

  it('does not create a VLAN next to one with the same ID that the watch does not contain yet', async () => {
    await using node = makeNode();
    node.isLate = true;
    node.set([bond, theirs]);
    node.want(100, 200);
    await node.until(() => node.events.includes('created bond1.200'));
    assert.deepEqual(node.links, ['bond1', 'storage', 'bond1.200']);
  });

  it('resolves prepare even if the kernel has no VLANs', async () => {
    await using node = makeNode();
    node.refusal = unsupported;
    await node.manager.prepare(node.plan());
    assert.deepEqual(node.links, ['bond1']);
    assert.equal(node.manager.faultOf('bond1.100'), 'VlanUnsupported');
  });

  it('creates the VLAN of a changed policy, and removes the previous one', async () => {
    await using node = makeNode();
    await node.manager.prepare(node.plan());
    node.want(200);
    await node.until(() => node.events.includes('removed bond1.100'));
    assert.deepEqual(node.links, ['bond1', 'bond1.200']);
  });

  it('removes no VLAN before kubelet has listed the devices of pods, and no VLAN that a pod uses', async () => {
    await using node = makeNode({ isHeldKnown: false });
    await node.manager.prepare(node.plan());
    node.want(200);
    await node.until(() => node.events.includes('created bond1.200'));
    node.held.push({ id: 'aMvp0', resource: 'a', parent: 'bond1.100' });
    node.isHeldKnown = true;
    node.want(300);
    await node.until(() => node.events.includes('removed bond1.200'));
    assert.deepEqual(node.links, ['bond1', 'bond1.100', 'bond1.300']);
    node.held.length = 0;
    node.manager.look();
    await node.until(() => node.events.includes('removed bond1.100'));
  });

  it('uses a VLAN that an administrator created, and never removes it', async () => {
    await using node = makeNode();
    node.set([bond, theirs]);
    await node.until(() => node.events.includes('adopted storage'));
    node.want(200);
    await node.until(() => node.events.includes('created bond1.200'));
    node.want(300);
    await node.until(() => node.events.includes('removed bond1.200'));
    assert.deepEqual(node.links, ['bond1', 'storage', 'bond1.300']);
    assert.equal(node.events.filter((event) => event === 'adopted storage').length, 1);
  });

  it('recreates a VLAN that an administrator deleted', async () => {
    await using node = makeNode();
    await node.manager.prepare(node.plan());
    node.manager.look();
    node.set([bond]);
    await node.until(() => node.events.length === 2);
    assert.deepEqual(node.events, ['created bond1.100', 'created bond1.100']);
    assert.deepEqual(node.links, ['bond1', 'bond1.100']);
  });

  it('waits before it recreates a VLAN, so that an administrator can create it', async () => {
    await using node = makeNode({ yieldMs: 600_000 });
    node.set([bond, theirs]);
    await node.until(() => node.events.includes('adopted storage'));
    node.set([bond]);
    node.want(100, 200);
    // The plan now has both VLANs. Only the VLAN that never existed is created at once.
    await node.until(() => node.events.includes('created bond1.200'));
    node.set([...node.facts, { ...theirs, ifindex: 8 }]);
    await node.until(() => node.events.filter((event) => event === 'adopted storage').length === 2);
    assert.deepEqual(node.links, ['bond1', 'bond1.200', 'storage']);
  });

  it('reports a failure once, tries again, and then clears the trouble', async () => {
    await using node = makeNode();
    node.refusal = unsupported;
    node.manager.look();
    await node.until(() => node.manager.troubles.length > 0);
    assert.deepEqual(node.manager.troubles[0]?.code, 'VlanUnsupported');
    node.refusal = new MacvtapError('LinkNameTaken', 'cannot create VLAN 100 on bond1: File exists');
    await node.until(() => node.manager.faultOf('bond1.100') === 'VlanFailed');
    assert.deepEqual(node.manager.troubles, [
      { code: 'VlanFailed', message: 'cannot create VLAN 100 on bond1: File exists' },
    ]);
    node.refusal = undefined;
    await node.until(() => node.events.includes('created bond1.100'));
    assert.deepEqual(node.events, [
      'failed bond1.100 VlanUnsupported',
      'failed bond1.100 LinkNameTaken',
      'created bond1.100',
    ]);
    assert.deepEqual([node.manager.faultOf('bond1.100'), node.manager.troubles], [undefined, []]);
  });

  it('clears the failure of a VLAN that is no longer in the plan', async () => {
    await using node = makeNode();
    node.refusal = unsupported;
    node.manager.look();
    await node.until(() => node.manager.troubles.length > 0);
    node.want();
    await node.until(() => node.manager.troubles.length === 0);
  });

  it('raises the MTU of a VLAN to the MTU of the interface below it', async () => {
    await using node = makeNode();
    await node.manager.prepare(node.plan());
    node.want(100, 200);
    node.set(node.facts.map((link) => (link === bond ? { ...bond, mtu: 9000 } : link)));
    await node.until(() => node.facts.find(({ name }) => name === 'bond1.100')?.mtu === 9000);
    assert.deepEqual(node.links, ['bond1', 'bond1.100', 'bond1.200']);
  });
});
