// SPDX-License-Identifier: Apache-2.0
import type { GraphNode, GraphResource } from '../../cli/graph/build-graph.ts';

const resource = (name: string, held: number | undefined, more: Partial<GraphResource> = {}): GraphResource => ({
  name,
  detail: 'bridge, macvtap-cni/policy-1',
  tone: 'good',
  trouble: '',
  held,
  quantity: 100,
  ...more,
});

const longName = `n${'o'.repeat(61)}e`;

/**
 * Three nodes that show every feature: all tones, a conflict, a node that reports nothing, and names of various
 * lengths.
 */
export const threeNodes: readonly GraphNode[] = [
  {
    name: 'worker-1',
    source: 'policy',
    parents: [
      {
        name: 'bond1',
        detail: 'bond',
        tone: 'plain',
        resources: [
          resource('dataplane', 3, { detail: 'private, macvtap-cni/policy-1', quantity: 25 }),
          resource('storage', 4096, { quantity: 4096 }),
        ],
      },
      {
        name: 'enp59s0f1np1',
        detail: 'no carrier',
        tone: 'poor',
        resources: [resource('quickDataplane', 0, { tone: 'poor', trouble: 'Degraded: NoCarrier' })],
      },
    ],
    unused: ['eth2', 'ens5', 'ens6'],
    remarks: [{ tone: 'bad', title: 'ResourceNameTaken', detail: 'dataplane, first: macvtap-cni/policy-1' }],
  },
  {
    name: longName,
    source: 'policy',
    parents: [
      {
        name: 'eth9-altname-that-is-long',
        detail: 'not there',
        tone: 'bad',
        resources: [
          resource(longName, 1, {
            tone: 'bad',
            trouble: 'Unhealthy: NothingFound',
            detail: `passthru, ${longName}/${longName}`,
            quantity: 1,
          }),
        ],
      },
    ],
    unused: [],
    remarks: [],
  },
  {
    name: 'worker-3',
    source: 'unknown',
    parents: [],
    unused: [],
    remarks: [
      { tone: 'poor', title: 'Not sure', detail: 'no report: it has no MacvtapNetworkNodeState with a status' },
    ],
  },
];

/** Fifty nodes as in a real cluster: they are similar, and some of them have problems. */
export const fiftyNodes: readonly GraphNode[] = Array.from({ length: 50 }, (_, index) => ({
  name: `worker-${index + 1}.rack-${index % 5}.example.com`,
  source: 'policy',
  parents: [
    {
      name: 'bond1',
      detail: 'bond',
      tone: 'plain',
      resources: [
        resource('dataplane', (index * 7) % 101),
        index % 9 === 4
          ? resource('storage', 2, { tone: 'bad', trouble: 'Unhealthy: ParentChanged' })
          : resource('storage', undefined),
      ],
    },
    ...(index % 3 === 0
      ? [
          {
            name: 'eth3',
            detail: '',
            tone: 'plain' as const,
            resources: [resource('eth3', 0, { detail: 'passthru, implicit', quantity: 1 })],
          },
        ]
      : []),
  ],
  unused: index % 4 === 0 ? ['eth4'] : [],
  remarks:
    index % 17 === 3 ? [{ tone: 'bad' as const, title: 'PassthruExclusive', detail: 'eth3, first: storage' }] : [],
}));
