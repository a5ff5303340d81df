// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { type HeldDevice, listDevices, type ServedResource } from './served-resource.ts';

const resource: PlannedResource = {
  source: 'implicit',
  name: 'net',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 2,
  numaNodes: [1],
  needVhostNet: false,
};

function held(index: number, parent?: string, parentIfindex?: number): HeldDevice {
  const known = { ...(parent !== undefined && { parent }), ...(parentIfindex !== undefined && { parentIfindex }) };
  return { id: `netMvp${index}`, resource: 'net', ...known };
}

function list(served: Omit<ServedResource, 'name'>, holding: readonly HeldDevice[] = [], there = ['eth1', 'eth2']) {
  const devices = listDevices({ name: 'net', ...served }, holding, {
    find: (parent) => (there.includes(parent) ? 7 : undefined),
    has: (ifindex) => ifindex === 7,
  });
  return devices.map(({ id, healthy }) => `${id}${healthy ? '' : '!'}`);
}

const cases = [
  { title: 'all devices of a healthy resource', got: list({ resource }), want: ['netMvp0', 'netMvp1'] },
  {
    title: 'held devices beyond a lowered quantity',
    got: list({ resource }, [held(10, 'eth1'), held(3, 'eth1')]),
    want: ['netMvp0', 'netMvp1', 'netMvp3', 'netMvp10'],
  },
  {
    title: 'a fault, all Unhealthy',
    got: list({ resource, fault: 'NothingFound' }, [held(0, 'eth1')], []),
    want: ['netMvp0!', 'netMvp1!'],
  },
  {
    title: 'a moved parent: free devices Unhealthy, the held one stands where it stood',
    got: list({ resource, fault: 'ParentChanged' }, [held(0, 'eth1')]),
    want: ['netMvp0', 'netMvp1!'],
  },
  {
    title: 'an edited parent: new ones go there, the held one stands where it stood',
    got: list({ resource }, [held(0, 'eth2')]),
    want: ['netMvp0', 'netMvp1'],
  },
  {
    title: 'an edited parent, and the old one gone',
    got: list({ resource }, [held(0, 'eth2')], ['eth1']),
    want: ['netMvp0!', 'netMvp1'],
  },
  {
    title: 'a parent that was made anew: what stood on the old one is gone',
    got: list({ resource }, [held(0, 'eth1', 6), held(1, 'eth1', 7)]),
    want: ['netMvp0!', 'netMvp1'],
  },
  {
    title: 'a parent that was renamed: what stands on it stands',
    got: list({ resource: { ...resource, parent: 'eth2' } }, [held(0, 'eth9', 7)]),
    want: ['netMvp0', 'netMvp1'],
  },
  { title: 'draining', got: list({ fault: 'Draining' }, [held(1, 'eth1')]), want: ['netMvp1'] },
  {
    title: 'draining on a parent that is gone',
    got: list({ fault: 'Draining' }, [held(1, 'eth9')]),
    want: ['netMvp1!'],
  },
  { title: 'draining from an unknown parent', got: list({ fault: 'Draining' }, [held(1)]), want: ['netMvp1'] },
  {
    title: 'devices of another resource',
    got: list({ resource }, [{ id: 'xMvp9', resource: 'x' }]),
    want: ['netMvp0', 'netMvp1'],
  },
];

for (const { title, got, want } of cases) {
  test(`kubelet is told of ${title}`, () => assert.deepEqual(got, want));
}
