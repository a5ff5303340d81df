// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nic } from '../../test/fixtures/plan/build-example.ts';
import { type InterfaceFacts, indexInterfaces } from './interfaces.ts';

const names = (nics: readonly InterfaceFacts[]) => nics.map(({ name }) => name);

/** Returns a chain of links, each on top of the previous one. The last link carries the node's traffic. */
function chain(length: number): readonly InterfaceFacts[] {
  return Array.from({ length }, (_, index) =>
    nic(`e${index}`, {
      ifindex: index + 1,
      ...(index > 0 && { lowerIfindex: index }),
      ...(index === length - 1 && { addresses: ['192.0.2.1/24'] }),
    }),
  );
}

describe('the interfaces of a node', () => {
  it('are found by name, or else by the altname of the first interface in natural order', () => {
    const [a, b, c] = [nic('eth10', { altNames: ['lan'] }), nic('eth2', { altNames: ['lan', 'eth10'] }), nic('lan0')];
    const { find } = indexInterfaces([a, b, c]);
    assert.deepEqual([find('eth10'), find('lan'), find('lan0'), find('none')], [a, b, c, undefined]);
  });

  it('carry the traffic of the last link in a long chain', () => {
    const links = chain(20_000);
    const { carriesNodeTraffic } = indexInterfaces(links);
    assert.ok(links.every(carriesNodeTraffic));
  });

  it('carry traffic exactly according to the recursive definition, in any graph of links', () => {
    const link = fc.record({
      kind: fc.constantFrom('device', 'macvtap'),
      ifindex: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      lowerIfindex: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      own: fc.boolean(),
      defaultRoute: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(link, { maxLength: 8 }), (links) => {
        const facts = links.map(({ own, kind, ifindex, lowerIfindex, defaultRoute }, index) =>
          nic(own ? `mvt00000000000${index}` : `e${index}`, {
            kind,
            defaultRoute,
            ...(ifindex !== undefined && { ifindex }),
            ...(lowerIfindex !== undefined && { lowerIfindex }),
          }),
        );
        const { selectable, carriesNodeTraffic } = indexInterfaces(facts);
        const expected = facts.filter((each) => carriesByDefinition(each, selectable, new Set()));
        assert.deepEqual(names(facts.filter(carriesNodeTraffic)), names(expected));
      }),
    );
  });

  it('have the NUMA nodes of their members if they are bonds', () => {
    const bond = nic('bond0', { kind: 'bond', numaNode: 3 });
    const bridge = nic('br0', { kind: 'bridge' });
    const members = [2, 0, 2].map((numaNode, index) =>
      nic(`e${index}`, { numaNode, master: { name: 'bond0', kind: 'bond' } }),
    );
    const port = nic('e9', { numaNode: 5, master: { name: 'br0', kind: 'bridge' } });
    const { numaNodesOf } = indexInterfaces([bond, bridge, ...members, port]);
    assert.deepEqual([numaNodesOf(bond), numaNodesOf(bridge), numaNodesOf(port)], [[0, 2, 3], [], [5]]);
  });
});

/** Computes `carriesNodeTraffic` by its definition, link by link. */
function carriesByDefinition(
  link: InterfaceFacts,
  links: readonly InterfaceFacts[],
  seen: Set<InterfaceFacts>,
): boolean {
  if (seen.has(link)) return false;
  seen.add(link);
  if (link.defaultRoute) return true;
  const above = links.filter(({ lowerIfindex }) => lowerIfindex !== undefined && lowerIfindex === link.ifindex);
  return above.some((upper) => carriesByDefinition(upper, links, seen));
}
