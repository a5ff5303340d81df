// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type DraDevice,
  type DraResource,
  keyOfSlices,
  maxSliceDevices,
  nextEvictionMs,
  planSlices,
} from './dra-devices.ts';
import { readInterface } from './interfaces.ts';
import type { PlannedResource } from './node-plan.ts';

const resource: PlannedResource = {
  source: 'policy',
  policy: 'ns/p',
  name: 'data',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 2,
  numaNodes: [1],
  needVhostNet: false,
};
const nic = readInterface({ name: 'eth1', ifindex: 7, carrier: true, mtu: 9000, driver: 'ice', vendorID: '8086' });
const offered: DraResource = { resource, parent: { nic, speedMbps: 25_000, pcieRoot: 'pci0000:00' } };
const none: ReadonlySet<string> = new Set();

const plan = (parent: Partial<DraResource['parent']>, more: Partial<PlannedResource> = {}) =>
  planSlices([{ resource: { ...resource, ...more }, parent: { nic, ...parent } }], none)[0] ?? [];
const taintsOf = (...facts: Parameters<typeof plan>) => plan(...facts)[0]?.taints;

describe('the devices of ResourceSlices', () => {
  it('have the facts about their parent, and the device ID for Multus and KubeVirt', () => {
    const [devices = []] = planSlices([offered], none);
    assert.deepEqual(
      devices.map(({ name }) => name),
      ['data-0', 'data-1'],
    );
    assert.deepEqual(devices[1]?.attributes, {
      resourceName: { string: 'data' },
      parent: { string: 'eth1' },
      mode: { string: 'bridge' },
      driver: { string: 'ice' },
      pciAddress: { string: '' },
      vendor: { string: '8086' },
      numaNode: { int: 1 },
      speedMbps: { int: 25_000 },
      mtu: { int: 9000 },
      carrier: { bool: true },
      vlan: { int: 0 },
      'resource.kubernetes.io/pcieRoot': { string: 'pci0000:00' },
      'k8s.cni.cncf.io/resourceName': { string: 'macvtap.network.kubevirt.io/data' },
      'k8s.cni.cncf.io/deviceID': { string: 'dataMvp1' },
    });
  });

  it('have the PCI address, and the VLAN of a parent that is one', () => {
    const [card] = plan({ nic: { ...nic, pciAddress: '0000:3b:00.0' } });
    assert.deepEqual([card?.attributes.pciAddress, card?.attributes.vlan], [{ string: '0000:3b:00.0' }, { int: 0 }]);
    const [planned] = plan({}, { vlan: { lower: 'eth1', id: 100 } });
    const [existing] = plan({ nic: { ...nic, vlan: { id: 200, protocol: '802.1Q' } } });
    assert.deepEqual([planned?.attributes.vlan, existing?.attributes.vlan], [{ int: 100 }, { int: 200 }]);
  });

  it('keep their attributes while the parent has no carrier or is gone, because claims may read them', () => {
    const [carried] = plan({ speedMbps: 25_000 });
    for (const parent of [{ nic: { ...nic, carrier: false } }, { speedMbps: 25_000, isGone: true }] as const) {
      const [device] = plan({ ...parent, lostForMs: 0 });
      const { speedMbps, carrier, ...others } = carried?.attributes ?? {};
      assert.deepEqual(device?.attributes, { ...others, speedMbps: { int: 0 }, carrier: { bool: false } });
    }
  });

  it('leave out a text of another domain that the API server rejects as too long', () => {
    const name = 'a'.repeat(63);
    const [device] = plan({}, { name });
    assert.deepEqual(device?.attributes.resourceName, { string: name });
    for (const attribute of ['k8s.cni.cncf.io/resourceName', 'k8s.cni.cncf.io/deviceID']) {
      assert.equal(Object.hasOwn(device?.attributes ?? {}, attribute), false, attribute);
    }
  });

  it('have every attribute of the driver also if nothing is known about the parent', () => {
    const [known] = plan({});
    const [unknown] = plan({ nic: undefined }, { numaNodes: [0, 1] });
    const own = ({ attributes = {} }: Partial<DraDevice> = {}) =>
      Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.includes('/')));
    assert.deepEqual(Object.keys(own(unknown)).toSorted(), Object.keys(own(known)).toSorted());
    assert.deepEqual(own(unknown), {
      resourceName: { string: 'data' },
      parent: { string: 'eth1' },
      mode: { string: 'bridge' },
      driver: { string: '' },
      pciAddress: { string: '' },
      vendor: { string: '' },
      numaNode: { int: -1 },
      speedMbps: { int: 0 },
      mtu: { int: 0 },
      carrier: { bool: false },
      vlan: { int: 0 },
    });
  });

  it('never include a device that a pod holds by the device plugin API', () => {
    const [devices = []] = planSlices([offered], new Set(['dataMvp0']));
    assert.deepEqual(
      devices.map(({ name }) => name),
      ['data-1'],
    );
  });

  it('are spread over slices of a size that also allows taints', () => {
    const slices = planSlices([{ ...offered, resource: { ...resource, quantity: 2 * maxSliceDevices + 1 } }], none);
    assert.deepEqual(
      slices.map(({ length }) => length),
      [64, 64, 1],
    );
    assert.deepEqual(planSlices([], none), []);
  });
});

it('the key of slices differs whenever they do, and not because time passes', () => {
  const lost = (lostForMs: number): DraResource => ({
    resource: { ...resource, carrierLoss: { action: 'Evict', graceMs: 5 } },
    parent: { nic: { ...nic, carrier: false }, lostForMs },
  });
  const inputs: readonly Parameters<typeof keyOfSlices>[] = [
    [[], none],
    [[offered], none],
    [[offered], new Set(['dataMvp0'])],
    [[{ ...offered, parent: { nic: { ...nic, mtu: 1500 } } }], none],
    [[lost(1)], none],
    [[lost(5)], none],
  ];
  assert.equal(new Set(inputs.map((input) => keyOfSlices(...input))).size, inputs.length);
  assert.equal(new Set(inputs.map((input) => JSON.stringify(planSlices(...input)))).size, inputs.length);
  assert.equal(keyOfSlices([lost(1)], none), keyOfSlices([lost(2)], none));
});

describe('the taints of devices', () => {
  const noCarrier = 'macvtap.network.kubevirt.io/no-carrier';
  const down = { nic: { ...nic, carrier: false }, lostForMs: 10_000 };

  it('are absent while the parent has a carrier', () => assert.equal(taintsOf({}), undefined));

  it('keep new pods away by default while the parent has no carrier', () => {
    assert.deepEqual(taintsOf(down), [{ key: noCarrier, effect: 'NoSchedule' }]);
  });

  it('evict pods only if the policy has Evict, and only after its grace period', () => {
    const carrierLoss = { action: 'Evict', graceMs: 10_001 } as const;
    assert.deepEqual(taintsOf(down, { carrierLoss }), [{ key: noCarrier, effect: 'NoSchedule' }]);
    assert.deepEqual(taintsOf({ ...down, lostForMs: 10_001 }, { carrierLoss }), [
      { key: noCarrier, effect: 'NoExecute' },
    ]);
    const waiting = { resource: { ...resource, carrierLoss }, parent: down };
    assert.equal(nextEvictionMs([offered, waiting]), 1);
    assert.equal(nextEvictionMs([{ ...waiting, parent: { ...down, lostForMs: 10_001 } }, offered]), undefined);
  });

  it('are absent if the policy ignores a lost carrier, but not if the parent is gone', () => {
    const carrierLoss = { action: 'Ignore', graceMs: 0 } as const;
    assert.equal(taintsOf(down, { carrierLoss }), undefined);
    assert.deepEqual(taintsOf({ nic: undefined, lostForMs: 0 }, { carrierLoss }), [
      { key: 'macvtap.network.kubevirt.io/parent-gone', effect: 'NoSchedule' },
    ]);
  });
});
