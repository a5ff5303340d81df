// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containersOf, type PodObject } from './read-pod.ts';

const data = 'macvtap.network.kubevirt.io/data';
const limits = `resources.limits[${data}]`;

describe('the containers of a pod', () => {
  it('have their role: a sidecar is an init container that is always restarted', () => {
    const spec = {
      containers: [{ name: 'a', restartPolicy: 'Always' }],
      initContainers: [{ name: 'b' }, { name: 'c', restartPolicy: 'Always' }],
      ephemeralContainers: [{ name: 'd' }],
    };
    assert.deepEqual(
      containersOf({ spec }).map(({ list, index, name, role }) => `${list}[${index}] ${name} ${role}`),
      [
        'initContainers[0] b init',
        'initContainers[1] c sidecar',
        'containers[0] a app',
        'ephemeralContainers[0] d ephemeral',
      ],
    );
  });

  it('keep their index where some of them are no objects', () => {
    const [container, ...others] = containersOf({ spec: { containers: [null, 'x', [], { name: 7 }] } });
    assert.deepEqual([container?.index, container?.name, container?.asks, others], [3, undefined, [], []]);
  });

  it('are none where there is no list of them', () => {
    const hostile: readonly PodObject[] = [
      {},
      { spec: null },
      { spec: [] },
      { spec: { containers: {} } },
      { spec: { containers: null } },
    ];
    for (const pod of hostile) assert.deepEqual(containersOf(pod), []);
  });

  it('ask for what their limits and requests say, each resource once and the higher number', () => {
    const asks = (resources: unknown) => containersOf({ spec: { containers: [{ resources }] } })[0]?.asks;
    const at = `spec.containers[0].${limits}`;
    assert.deepEqual(asks({ limits: { [data]: '2', cpu: 'x' }, requests: { [data]: '1', memory: '1Gi' } }), [
      { resource: 'data', count: 2, path: at },
    ]);
    assert.deepEqual(asks({ requests: { [data]: '1' } }), [
      { resource: 'data', count: 1, path: at.replace('limits', 'requests') },
    ]);
    assert.deepEqual(asks({ limits: { [data]: 'many' }, requests: { [data]: '1' } }), [
      { resource: 'data', count: undefined, path: at },
    ]);
    for (const hostile of [null, 'x', [], { limits: null, requests: 3 }, { limits: [data] }])
      assert.deepEqual(asks(hostile), []);
  });
});
