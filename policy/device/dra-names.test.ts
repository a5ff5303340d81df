// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isLegalResourceName } from '../plan/resource.ts';
import { deviceIDOf } from './device-id.ts';
import {
  allocationLabel,
  deviceClassOf,
  deviceIDOfDraDevice,
  draDeviceName,
  draDriver,
  draTaints,
} from './dra-names.ts';

const anyName = fc
  .oneof(fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/), fc.stringMatching(/^x-[0-9a-f]{16}$/))
  .filter(isLegalResourceName);
const anyIndex = fc.integer({ min: 0, max: 4095 });
/** apimachinery validation.IsDNS1123Label. */
const label = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** apimachinery validation.IsDNS1123Subdomain. */
const subdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

describe('the name of a DRA device', () => {
  for (const [id, name] of [
    ['dataplaneMvp0', 'dataplane-0'],
    ['ens2-1Mvp12', 'ens2-1-12'],
    ['eth0.100Mvp7', 'x-2ef5b10ad887326b-7'],
    ['DataMvp7', 'x-1bef77d598a45078-7'],
    ['x-0123456789abcdefMvp1', 'x-2415f07d1c8cbe38-1'],
  ] as const) {
    it(`of ${id} is ${name}`, () => {
      assert.equal(draDeviceName(id), name);
    });
  }

  it('is a DNS label for every device, and leads back to the device ID', () => {
    fc.assert(
      fc.property(anyName, anyIndex, fc.array(anyName), (resource, index, others) => {
        const id = deviceIDOf(resource, index);
        const name = draDeviceName(id) ?? '';
        assert.match(name, label);
        assert.equal(deviceIDOfDraDevice(name, [...others, resource]), id);
      }),
    );
  });

  it('differs between devices', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(anyName, anyIndex), { selector: String }), (devices) => {
        const names = devices.map(([resource, index]) => draDeviceName(deviceIDOf(resource, index)));
        assert.equal(new Set(names).size, devices.length);
      }),
    );
  });

  it('does not exist for a text that is not a device ID', () => {
    for (const text of ['', 'data', 'dataMvp', 'dataMvp01', 'dataMvp-1']) assert.equal(draDeviceName(text), undefined);
  });

  it('leads to no device if its resource is not among the given ones, or if it has no index', () => {
    for (const name of ['data-0', 'data', 'data-', 'data-01', 'data-1e3', '-1', '']) {
      assert.equal(deviceIDOfDraDevice(name, ['other', 'dat']), undefined);
    }
    assert.equal(deviceIDOfDraDevice('data-01', ['data']), undefined);
  });
});

describe('the DeviceClass of a resource', () => {
  it('maps the extended resource and selects only its devices', () => {
    assert.deepEqual(deviceClassOf('dataplane'), {
      name: 'dataplane.macvtap.network.kubevirt.io',
      extendedResourceName: 'macvtap.network.kubevirt.io/dataplane',
      selector:
        'device.driver == "macvtap.network.kubevirt.io" && ' +
        'device.attributes["macvtap.network.kubevirt.io"].resourceName == "dataplane"',
    });
  });

  it('has a legal name for every resource, and a different one for each', () => {
    assert.equal(deviceClassOf('eth0.100').name, 'eth0.100.macvtap.network.kubevirt.io');
    assert.match(deviceClassOf('Data_1').name, /^x-[0-9a-f]{16}\.macvtap\.network\.kubevirt\.io$/);
    fc.assert(
      fc.property(fc.uniqueArray(anyName), (resources) => {
        const names = resources.map((resource) => deviceClassOf(resource).name);
        for (const name of names) assert.match(name, subdomain);
        assert.equal(new Set(names).size, resources.length);
      }),
    );
  });
});

it("labels and taints are in the driver's domain", () => {
  assert.equal(draDriver, 'macvtap.network.kubevirt.io');
  assert.equal(allocationLabel, 'macvtap.network.kubevirt.io/allocation');
  assert.deepEqual(Object.values(draTaints), [
    'macvtap.network.kubevirt.io/no-carrier',
    'macvtap.network.kubevirt.io/parent-gone',
  ]);
});
