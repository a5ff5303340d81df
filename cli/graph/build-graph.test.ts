// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptySnapshot } from '../../cluster/source.ts';
import type { NodeStatus } from '../status/build-status.ts';
import { buildGraph } from './build-graph.ts';
import { drawGraph } from './draw-graph.ts';

test('devices from before an edit are drawn on their former parent, and each parent has a separate count', () => {
  const resource = { name: 'data', parent: 'eth1', mode: 'vepa', source: 'policy', policy: 'macvtap-cni/p' } as const;
  const place = { parent: 'bond1', mode: 'private', held: 3 } as const;
  const node: NodeStatus = {
    name: 'h1',
    source: 'policy',
    resources: [{ ...resource, quantity: 25, held: 4, health: 'Healthy', heldElsewhere: [place] }],
    conflicts: [],
    troubles: [],
    doubts: [],
  };
  const [drawn] = buildGraph({ nodes: [node] }, emptySnapshot, undefined);
  const places = drawn?.parents.map(({ name, resources }) => [
    name,
    ...resources.map(({ detail, held, quantity, trouble }) => [detail, held, quantity, trouble]),
  ]);
  assert.deepEqual(places, [
    ['bond1', ['private, before an edit', 3, 4, '']],
    ['eth1', ['vepa, macvtap-cni/p', 1, 25, '']],
  ]);
  const picture = drawGraph(drawn === undefined ? [] : [drawn], 'here');
  for (const part of ['>1/25 held<', '>3 held<', '1 resource, 4 devices held']) assert.ok(picture.includes(part), part);
});

test('a node that uses dynamic resource allocation shows it beside the source of its resources', () => {
  const node: NodeStatus = { name: 'h1', source: 'policy', resources: [], conflicts: [], troubles: [], doubts: [] };
  const sourceOf = (allocation: NodeStatus['allocation']) =>
    buildGraph({ nodes: [{ ...node, ...(allocation && { allocation }) }] }, emptySnapshot, undefined)[0]?.source;
  assert.deepEqual(
    [sourceOf(undefined), sourceOf('DevicePlugin'), sourceOf('DRA')],
    ['policy', 'policy', 'policy, DRA'],
  );
});
