// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asking, podContext, podOf } from '../../test/fixtures/pod/build-context.ts';
import { deviceClassOf, resourceOfDeviceClass } from '../device/dra-names.ts';
import { checkClaimAdmitted } from './check-namespace-admitted.ts';
import { injectPod } from './inject-pod.ts';
import { claimsNamedBy, devicesClaimedBy, devicesOfClaim } from './read-claims.ts';
import { reviewPod } from './rules.ts';

const none = () => [];
const driver = 'macvtap.network.kubevirt.io';
const classOf = (resource: string) => deviceClassOf(resource).name;
const cel = (expression: string) => ({ selectors: [{ cel: { expression } }] });
const claimWith = (...requests: readonly object[]) => ({ spec: { devices: { requests } } });
const exactly = (resource: string, more: object = {}) => ({
  name: 'nic',
  exactly: { deviceClassName: classOf(resource), ...more },
});
const open = { name: 'nic', exactly: { deviceClassName: 'any', ...cel(`device.driver == "${driver}"`) } };
const foreign = { name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } };

describe('the devices that a claim asks for', () => {
  it('are those of the DeviceClass of a resource, with their number', () => {
    const claim = claimWith(foreign, exactly('data'), exactly('fast', { count: 3 }));
    assert.deepEqual(devicesOfClaim('ResourceClaim', claim, none), [
      { resource: 'data', count: 1, path: 'spec.devices.requests[1]' },
      { resource: 'fast', count: 3, path: 'spec.devices.requests[2]' },
    ]);
  });

  it('are in another place of a template', () => {
    const template = { spec: claimWith(exactly('data')) };
    assert.deepEqual(devicesOfClaim('ResourceClaimTemplate', template, none), [
      { resource: 'data', count: 1, path: 'spec.spec.devices.requests[0]' },
    ]);
    assert.deepEqual(devicesOfClaim('ResourceClaim', template, none), []);
  });

  it('have no certain number if the request has alternatives or asks for all devices', () => {
    const all = exactly('data', { allocationMode: 'All' });
    const alternatives = { name: 'nic', firstAvailable: [exactly('fast').exactly, foreign.exactly, open.exactly] };
    assert.deepEqual(
      devicesOfClaim('ResourceClaim', claimWith(all, alternatives), none).map(({ resource, count }) => [
        resource,
        count,
      ]),
      [
        ['data', undefined],
        ['fast', undefined],
        [undefined, undefined],
      ],
    );
  });

  it('have an unknown resource if only a CEL expression names the driver', () => {
    assert.deepEqual(devicesOfClaim('ResourceClaim', claimWith(open), none), [
      { resource: undefined, count: undefined, path: 'spec.devices.requests[0]' },
    ]);
  });

  it('are found by the hash in a class name, if the resource is known', () => {
    const claim = claimWith(exactly('Data_1'));
    assert.deepEqual(
      devicesOfClaim('ResourceClaim', claim, () => ['data', 'Data_1']).map(({ resource }) => resource),
      ['Data_1'],
    );
    assert.deepEqual(devicesOfClaim('ResourceClaim', claim, none), []);
    assert.equal(resourceOfDeviceClass(`a..b.${driver}`, none), undefined);
    assert.equal(resourceOfDeviceClass(driver, none), undefined);
  });

  it('are none in a claim with another shape', () => {
    const odd = [undefined, null, 5, [], {}, { spec: null }, { spec: { devices: [] } }];
    const requests = [null, 'a', {}, { exactly: null }, { exactly: { deviceClassName: 5, selectors: [null, {}] } }];
    for (const claim of [...odd, { spec: { devices: { requests: {} } } }, { spec: { devices: { requests } } }]) {
      assert.deepEqual(devicesOfClaim('ResourceClaim', claim, none), []);
    }
  });

  it('are read only up to the limit of the API', () => {
    const many = Array.from({ length: 10_000 }, () => exactly('data'));
    assert.equal(devicesOfClaim('ResourceClaim', claimWith(...many), none).length, 32);
  });
});

const resourceClaims = [
  { name: 'a', resourceClaimName: 'shared' },
  { name: 'b', resourceClaimTemplateName: 'each' },
  { name: 'c' },
];
const podWithClaims = (networks?: string) => podOf(networks, { containers: [{ name: 'a' }], resourceClaims });
const known = (claims: Readonly<Record<string, object>>) => new Map(Object.entries(claims));

describe('the claims of a pod', () => {
  it('are claims and templates', () => {
    assert.deepEqual(claimsNamedBy(podWithClaims()), [
      { kind: 'ResourceClaim', name: 'shared', path: 'spec.resourceClaims[0]' },
      { kind: 'ResourceClaimTemplate', name: 'each', path: 'spec.resourceClaims[1]' },
    ]);
  });

  it('give devices at their place in the pod, also by the name of a DeviceClass as an extended resource', () => {
    const limits = { [`deviceclass.resource.kubernetes.io/${classOf('fast')}`]: '2', 'example.com/gpu': '1' };
    const pod = podOf(undefined, { containers: [{ name: 'a', resources: { limits } }], resourceClaims });
    const claims = known({ 'ResourceClaim shared': claimWith(exactly('data')) });
    assert.deepEqual(devicesClaimedBy(pod, claims, none), [
      { resource: 'data', count: 1, path: 'spec.resourceClaims[0]' },
      {
        resource: 'fast',
        count: 2,
        path: `spec.containers[0].resources.limits[deviceclass.resource.kubernetes.io/${classOf('fast')}]`,
      },
    ]);
  });
});

const injected = (networks: string, claims: Readonly<Record<string, object>>, spec: object = {}) => {
  const pod = podOf(networks, { containers: [{ name: 'a' }], resourceClaims, ...spec });
  return injectPod(pod, podContext('vms', { claims: known(claims) })).edits.flatMap(({ path, value }) =>
    path.endsWith('/resources') ? [value] : [],
  );
};

describe('the injection of devices', () => {
  it('adds nothing for a network whose device comes from a claim', () => {
    assert.deepEqual(injected('data', { 'ResourceClaim shared': claimWith(exactly('dataplane')) }), []);
    assert.deepEqual(injected('data', { 'ResourceClaimTemplate each': { spec: claimWith(exactly('dataplane')) } }), []);
    assert.deepEqual(injected('data,fast', { 'ResourceClaim shared': claimWith(open) }), []);
  });

  it('adds the devices that claims do not give', () => {
    const claims = { 'ResourceClaim shared': claimWith(exactly('dataplane'), foreign) };
    assert.deepEqual(
      injected('data,data,fast', claims),
      [asking({ dataplane: '1', restricted: '1' })].map(resourcesOf),
    );
    assert.deepEqual(injected('data', {}), [asking({ dataplane: '1' })].map(resourcesOf));
  });

  it('counts a device that a container requests by the name of its DeviceClass', () => {
    const limits = { [`deviceclass.resource.kubernetes.io/${classOf('dataplane')}`]: '1' };
    const containers = [{ name: 'a', resources: { limits } }];
    assert.deepEqual(injectPod(podOf('data', { containers }), podContext('vms')).edits, []);
  });
});

function resourcesOf(container: object): unknown {
  return (container as { resources: unknown }).resources;
}

const verdictsOf = (namespace: string, ...requests: readonly object[]) =>
  checkClaimAdmitted('ResourceClaim', claimWith(...requests), podContext(namespace)).map(
    ({ code, severity, path }) => `${severity} ${code} ${path}`,
  );

describe('the namespace of a claim', () => {
  it('must be allowed to use the resource of each DeviceClass', () => {
    assert.deepEqual(verdictsOf('tenant', exactly('dataplane'), exactly('restricted')), [
      'deny NamespaceNotAdmitted spec.devices.requests[1]',
    ]);
    assert.deepEqual(verdictsOf('vms', exactly('dataplane'), exactly('restricted')), []);
    assert.deepEqual(verdictsOf('nowhere', exactly('restricted')), ['deny NamespaceUnknown spec.devices.requests[0]']);
  });

  it('causes a warning if only a CEL expression names the driver and a policy does not admit the namespace', () => {
    assert.deepEqual(verdictsOf('tenant', open), ['warn NamespaceNotAdmitted spec.devices.requests[0]']);
    assert.deepEqual(verdictsOf('vms', open), []);
  });

  it('is also checked for the claims of a pod', () => {
    const claims = known({ 'ResourceClaim shared': claimWith(exactly('restricted')) });
    const verdicts = (namespace: string) =>
      reviewPod(podWithClaims(), podContext(namespace, { claims })).map(({ code, path }) => `${code} ${path}`);
    assert.deepEqual(verdicts('tenant'), ['NamespaceNotAdmitted spec.resourceClaims[0]']);
    assert.deepEqual(verdicts('vms'), []);
  });
});
