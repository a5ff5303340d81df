// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCrdSchema } from '../../cluster/objects/crd-schema.ts';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { itemsOf, nodeStateLimits as limits, reasonToLeaveOut } from './node-state-limits.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;

function state(status: Status): MacvtapNetworkNodeState {
  return { apiVersion: '', kind: '', metadata: { name: 'h1' }, status };
}

function many<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const names = (count: number, prefix = 'n') => many(count, (index) => `${prefix}${index}`);
const resource = (name: string) => ({ name, parent: 'eth0', mode: 'bridge', source: 'policy', quantity: 1 }) as const;
const place = (index: number) => ({ parent: `e${index}`, mode: 'bridge', held: 1 }) as const;
const finding = (name: string) => ({ name, code: 'Shadowed' });

/** For each limit, a function that returns a report with the given number of items. */
const reports: Readonly<Record<keyof typeof limits, (count: number) => Status>> = {
  interfaces: (count) => ({ interfaces: names(count).map((name) => ({ name })) }),
  altNames: (count) => ({ interfaces: [{ name: 'eth0', altNames: names(count) }] }),
  altNamesInAll: (count) => ({
    interfaces: many(Math.ceil(count / 50), (index) => ({
      name: `e${index}`,
      altNames: names(Math.min(50, count - index * 50), `e${index}-`),
    })),
  }),
  addresses: (count) => ({ interfaces: [{ name: 'eth0', addresses: names(count) }] }),
  resources: (count) => ({ resources: names(count).map(resource) }),
  heldElsewhereInAll: (count) => ({ resources: [{ ...resource('data'), heldElsewhere: many(count, place) }] }),
  skipped: (count) => ({ skipped: names(count).map(finding) }),
  conflicts: (count) => ({ conflicts: names(count).map(finding) }),
  observedPolicies: (count) => ({ observedPolicies: names(count).map((name) => ({ name, generation: 1 })) }),
  troubles: (count) => ({ troubles: names(count).map((code) => ({ code, message: '' })) }),
};

describe('a report of a node', () => {
  for (const [name, report] of Object.entries(reports)) {
    it(`is read up to the limit of ${name}, and ignored above it`, () => {
      const limit = limits[name as keyof typeof limits];
      assert.equal(reasonToLeaveOut(state(report(limit))), undefined);
      assert.match(
        reasonToLeaveOut(state(report(limit + 1))) ?? '',
        new RegExp(`^status\\..*: ${limit + 1}, and at most ${limit} are read$`),
      );
    });
  }

  it('is read if it is empty', () => {
    assert.deepEqual([reasonToLeaveOut(state({})), itemsOf(state({}))], [undefined, 0]);
    assert.equal(reasonToLeaveOut({ apiVersion: '', kind: '', metadata: {} }), undefined);
  });

  it('is ignored if reading it throws', () => {
    const hostile = {
      get interfaces(): never {
        throw new RangeError('Maximum call stack size exceeded');
      },
    };
    assert.equal(reasonToLeaveOut(state(hostile)), 'reading it failed: Maximum call stack size exceeded');
  });
});

describe('the limits', () => {
  it('are at or below those of the CRD', () => {
    const status = readCrdSchema('MacvtapNetworkNodeState').properties?.status?.properties ?? {};
    const nic = status.interfaces?.items?.properties ?? {};
    for (const [limit, schema] of [
      [limits.interfaces, status.interfaces],
      [limits.altNames, nic.altNames],
      [limits.addresses, nic.addresses],
      [limits.resources, status.resources],
      [limits.heldElsewhereInAll, status.resources?.items?.properties?.heldElsewhere],
      [limits.skipped, status.skipped],
      [limits.conflicts, status.conflicts],
      [limits.observedPolicies, status.observedPolicies],
      [limits.troubles, status.troubles],
    ] as const) {
      assert.ok(limit <= Number(schema?.maxItems ?? Number.POSITIVE_INFINITY), JSON.stringify(schema?.description));
    }
  });
});
