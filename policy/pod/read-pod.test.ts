// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containersOf, type PodObject, parseDeviceCount } from './read-pod.ts';

const data = 'macvtap.network.kubevirt.io/data';
const limits = `resources.limits[${data}]`;

describe('the containers of a pod', () => {
  it('have a role; a sidecar is an init container with restartPolicy Always', () => {
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

  it('keep their index if other items are not objects', () => {
    const [container, ...others] = containersOf({ spec: { containers: [null, 'x', [], { name: 7 }] } });
    assert.deepEqual([container?.index, container?.name, container?.asks, others], [3, undefined, [], []]);
  });

  it('are empty if the pod has no list of containers', () => {
    const hostile: readonly PodObject[] = [
      {},
      { spec: null },
      { spec: [] },
      { spec: { containers: {} } },
      { spec: { containers: null } },
    ];
    for (const pod of hostile) assert.deepEqual(containersOf(pod), []);
  });

  it('request each resource of their limits and requests once, with the higher number', () => {
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

const counts: readonly [unknown, number][] = [
  ['1', 1],
  [2, 2],
  ['0', 0],
  ['+3', 3],
  ['007', 7],
  ['1.0', 1],
  ['1.', 1],
  ['1k', 1_000],
  ['1.5k', 1_500],
  ['2Ki', 2_048],
  ['0.5Ki', 512],
  ['2000m', 2],
  ['3000000u', 3],
  ['4000000000n', 4],
  ['1e1', 10],
  ['1E+2', 100],
  ['20e-1', 2],
  [1e3, 1_000],
];

const none: readonly unknown[] = [
  ...[
    '',
    ' 1',
    '-1',
    '.5',
    '0.5',
    '1500m',
    '1e-1',
    '0.1Ki',
    'abc',
    '1x',
    '1e',
    '1K',
    '0x10',
    '1,5',
    '1e999999999',
    '9E',
    '8Ei',
  ],
  ...[
    '9'.repeat(1_000_000),
    '9007199254740993',
    null,
    undefined,
    true,
    {},
    [],
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ],
];

describe('a quantity of devices', () => {
  for (const [quantity, count] of counts) {
    it(`reads ${JSON.stringify(quantity)} as ${count}`, () => assert.equal(parseDeviceCount(quantity), count));
  }

  it('is undefined for a fraction, a negative or too large number, and any other text', () => {
    assert.deepEqual(
      none.filter((quantity) => parseDeviceCount(quantity) !== undefined),
      [],
    );
  });
});
