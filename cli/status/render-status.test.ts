// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusReport } from './build-status.ts';
import { renderStatus } from './render-status.ts';

const report: StatusReport = {
  nodes: [
    {
      name: 'worker-1',
      source: 'policy',
      conflicts: [{ name: 'data', code: 'ResourceNameTaken', message: 'data is macvtap-cni/q already' }],
      troubles: [{ code: 'MacvtapUnsupported', message: 'no macvtap in this kernel' }],
      doubts: [],
      resources: [
        {
          name: 'dataplane',
          parent: 'bond1',
          mode: 'private',
          quantity: 25,
          held: 3,
          health: 'Healthy',
          source: 'policy',
          policy: 'macvtap-cni/policy-1',
        },
        {
          name: 'storage',
          parent: 'eth1',
          mode: 'vepa',
          quantity: 100,
          health: 'Degraded',
          code: 'NoCarrier',
          source: 'policy',
          policy: 'macvtap-cni/policy-1',
        },
        {
          name: 'lost',
          parent: 'eth9',
          mode: 'bridge',
          quantity: 1,
          held: 1,
          health: 'Unhealthy',
          code: 'NothingFound',
          source: 'policy',
          policy: 'macvtap-cni/policy-1',
        },
      ],
    },
    { name: 'worker-2', resources: [], conflicts: [], troubles: [], doubts: ['reports nothing'] },
  ],
  policies: [
    {
      name: 'macvtap-cni/policy-1',
      conditions: [
        { type: 'Accepted', status: 'True', reason: 'Valid', message: '' },
        { type: 'Conflicted', status: 'True', reason: 'ResourceNameTaken', message: '' },
      ],
      matchedNodes: 2,
      exposingNodes: 1,
      isBehind: false,
    },
  ],
};

const paint = (tone: string, text: string) => `<${tone}:${text}>`;

test('a status has nodes, policies and notes', () => {
  const plain = renderStatus(report, { paint: (_, text) => text, width: undefined });
  assert.deepEqual(plain.split('\n'), [
    'NODE      RESOURCE   PARENT  MODE     HELD   HEALTH                  SOURCE',
    'worker-1  dataplane  bond1   private  3/25   Healthy                 macvtap-cni/policy-1',
    'worker-1  storage    eth1    vepa     ?/100  Degraded NoCarrier      macvtap-cni/policy-1',
    'worker-1  lost       eth9    bridge   1/1    Unhealthy NothingFound  macvtap-cni/policy-1',
    'worker-2  -          -       -        -      -                       unknown',
    '',
    'POLICY                ACCEPTED  EXPOSED  CONFLICTED              NODES',
    'macvtap-cni/policy-1  True      -        True ResourceNameTaken  1/2',
    '',
    'worker-1: MacvtapUnsupported: no macvtap in this kernel',
    'worker-1: ResourceNameTaken: data is macvtap-cni/q already',
    'worker-2: reports nothing',
  ]);
});

test('a status without nodes has a line instead of an empty table', () => {
  const look = { paint: (_: string, shown: string) => shown, width: undefined };
  assert.equal(renderStatus({ nodes: [] }, look), 'no node is known');
});

test('the same note about several nodes is one line', () => {
  const doubts = ['no node plugin runs there'];
  const nodes = Array.from({ length: 2_000 }, (_, index) => ({
    name: `h${index}`,
    resources: [],
    conflicts: [],
    troubles: [],
    doubts: index === 7 ? ['reports nothing', ...doubts] : doubts,
  }));
  const text = renderStatus({ nodes }, { paint: (_, shown) => shown, width: undefined });
  assert.deepEqual(text.split('\n\n')[1]?.split('\n'), [
    '2,000 nodes (h0, h1, h2, …): no node plugin runs there',
    'h7: reports nothing',
  ]);
});

test('devices on a former parent are rows below the resource, with one note', () => {
  const places = [
    { parent: 'bond1', mode: 'private', held: 2 },
    { parent: 'eth1', mode: 'private', held: 1 },
  ] as const;
  const [worker] = report.nodes;
  const resources = (worker?.resources ?? [])
    .slice(0, 1)
    .map((one) => ({ ...one, parent: 'eth1', mode: 'vepa' as const }));
  const moved = resources.map((one) => ({ ...one, held: 4, heldElsewhere: [...places] }));
  const nodes = ['h1', 'h2'].map((name) => ({ name, conflicts: [], troubles: [], doubts: [], resources: moved }));
  const plain = renderStatus({ nodes }, { paint: (_, text) => text, width: undefined });
  assert.deepEqual(plain.split('\n'), [
    'NODE  RESOURCE   PARENT  MODE     HELD  HEALTH   SOURCE',
    ...['h1', 'h2'].flatMap((name) => [
      `${name}    dataplane  eth1    vepa     1/25  Healthy  macvtap-cni/policy-1`,
      `${name}    dataplane  bond1   private  2     -        before an edit`,
      `${name}    dataplane  eth1    private  1     -        before an edit`,
    ]),
    '',
    'before an edit: devices that pods hold keep their parent and mode until the pods end',
  ]);
});

test('pods that hold devices from before an edit are listed, with the next step', () => {
  const node = { name: 'h1', conflicts: [], troubles: [], doubts: [], resources: [] };
  const text = (pods: readonly string[], isAll: boolean) =>
    renderStatus(
      { nodes: [{ ...node, formerHolders: [{ resource: 'data', pods, isAll }] }] },
      { paint: (_, plain) => plain, width: undefined },
    );
  const head = 'h1: devices of data from before the edit are held by';
  assert.ok(text(['vms/a'], true).includes(`${head} vms/a; recreate the pods to move them`));
  assert.ok(text(['vms/a', 'vms/b'], false).includes(`${head} some of vms/a and vms/b; recreate`));
});

test('for files without NodeStates, there is a line instead of a table', () => {
  const silent = { name: 'h1', conflicts: [], troubles: [], doubts: [], resources: [] };
  const look = { paint: (_: string, text: string) => text, width: undefined };
  const text = renderStatus({ isOfFiles: true, nodes: [silent] }, look);
  assert.match(text, /^The files have no reports of node plugins .*\n.*kubectl macvtap plan/);
  assert.doesNotMatch(text, /unknown|NODE/);
});

test('without an installation, the status has the commands that remove what is left of it', () => {
  const look = { paint: (_: string, text: string) => text, width: undefined };
  const text = renderStatus({ ...report, notInstalledIn: 'macvtap-cni' }, look);
  assert.match(text, /^kube-macvtap is not installed in namespace macvtap-cni/);
  assert.match(text, /^ {2}kubectl delete crd macvtapnetworknodepolicies\.\S+ macvtapnetworknodestates\.\S+$/m);
  assert.match(text, /kubectl debug \$node .* -- rm -rf \/host\/opt\/cni\/bin\/macvtap /);
});

test('a policy without conditions has a note in a cluster, but not in files', () => {
  const bare = { nodes: [], policies: [{ name: 'macvtap-cni/new', conditions: [], isBehind: false }] };
  const look = { paint: (_: string, text: string) => text, width: undefined };
  assert.match(renderStatus(bare, look), /^macvtap-cni\/new: no conditions yet/m);
  assert.doesNotMatch(renderStatus({ ...bare, isOfFiles: true }, look), /no conditions/);
});

test('Healthy is green, Degraded is yellow, and Unhealthy is red', () => {
  const painted = renderStatus(report, { paint, width: undefined });
  for (const part of [
    '<good:Healthy> ',
    '<poor:Degraded NoCarrier> ',
    '<bad:Unhealthy NothingFound> ',
    '<good:True> ',
    '<bad:True ResourceNameTaken> ',
    '<poor:worker-2: reports nothing>',
  ]) {
    assert.ok(painted.includes(part), `${part} in ${painted}`);
  }
});

test('the tables fit the width with the longest names of Kubernetes', () => {
  const long = JSON.parse(
    JSON.stringify(report)
      .replaceAll('worker-1', `w${'o'.repeat(62)}`)
      .replaceAll('policy-1', 'p'.repeat(63)),
  );
  for (const width of [80, 120]) {
    const tables = renderStatus(long, { paint: (_, text) => text, width })
      .split('\n')
      .slice(0, 8);
    for (const line of tables) assert.ok(line.length <= width, line);
  }
  const [, first] = renderStatus(report, { paint: (_, text) => text, width: 120 }).split('\n');
  assert.ok(!first?.includes('…'));
});

test('the table shows the allocation of each node if a node uses dynamic resource allocation', () => {
  const [first, second] = report.nodes;
  assert.ok(first !== undefined && second !== undefined);
  const plain = { color: false, paint: (_: unknown, text: string) => text } as never;
  const table = renderStatus({ nodes: [{ ...first, allocation: 'DRA' }, second] }, plain);
  assert.match(table, /SOURCE +ALLOCATION\n.*macvtap-cni\/policy-1 +DRA\n/);
  assert.match(table, /\nworker-2 .* unknown +-\n/);
  const other = renderStatus({ nodes: [{ ...first, allocation: 'DevicePlugin' }, second] }, plain);
  assert.doesNotMatch(other, /ALLOCATION/);
});
