// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { brief } from '../fixtures/plan/build-example.ts';
import { runProgram } from './run-program.ts';

const readSeed = (name: string) => readFile(new URL(`../fixtures/seed/${name}`, import.meta.url), 'utf8');
const nodes = await readSeed('nodes.yaml');
const nodeCentric = await readSeed('node-centric/policy.yaml');
const resourceCentric = await readSeed('resource-centric/policy.yaml');

const header = 'NODE  RESOURCE        PARENT  MODE     QUANTITY  SOURCE';
const untouched = ['h3=eth0=eth0/bridge/100', 'h3=eth1=eth1/bridge/100'];

/** Plans of the three hosts in test/fixtures/seed: each as the printed table, and in a short form. */
const forms = [
  {
    title: 'a node-centric policy',
    files: { 'nodes.yaml': nodes, 'policies.yaml': nodeCentric },
    table: [
      header,
      'h1    bondedIface     bond1   private  25        policy macvtap-cni/policy-1',
      'h1    quickDataplane  eth1    vepa     100       policy macvtap-cni/policy-1',
      'h2    bondedIface     bond1   private  25        policy macvtap-cni/policy-1',
      'h3    eth0            eth0    bridge   100       implicit',
      'h3    eth1            eth1    bridge   100       implicit',
    ],
    resources: [
      'h1=bondedIface=bond1/private/25',
      'h1=quickDataplane=eth1/vepa/100',
      'h2=bondedIface=bond1/private/25',
      ...untouched,
    ],
  },
  {
    title: 'a resource-centric policy',
    files: { 'nodes.yaml': nodes, 'policies.yaml': resourceCentric },
    table: [
      'NODE  RESOURCE   PARENT  MODE     QUANTITY  SOURCE',
      'h1    dataplane  bond1   private  25        policy macvtap-cni/policy-1',
      'h2    dataplane  bond1   private  25        policy macvtap-cni/policy-1',
      'h3    eth0       eth0    bridge   100       implicit',
      'h3    eth1       eth1    bridge   100       implicit',
    ],
    resources: ['h1=dataplane=bond1/private/25', 'h2=dataplane=bond1/private/25', ...untouched],
  },
  {
    title: 'no policy',
    files: { 'nodes.yaml': nodes },
    table: [
      'NODE  RESOURCE  PARENT  MODE    QUANTITY  SOURCE',
      ...['bond1', 'eth0 ', 'eth1 '].map((nic) => `h1    ${nic}     ${nic}   bridge  100       implicit`),
      ...['bond1', 'ens3 ', 'ens4 ', 'ens5 ', 'ens6 '].map(
        (nic) => `h2    ${nic}     ${nic}   bridge  100       implicit`,
      ),
      ...['eth0 ', 'eth1 '].map((nic) => `h3    ${nic}     ${nic}   bridge  100       implicit`),
    ],
    resources: [
      ...['bond1', 'eth0', 'eth1'].map((nic) => `h1=${nic}=${nic}/bridge/100`),
      ...['bond1', 'ens3', 'ens4', 'ens5', 'ens6'].map((nic) => `h2=${nic}=${nic}/bridge/100`),
      ...untouched,
    ],
  },
] as const;

const shorten = (plans: readonly NodePlan[]) =>
  plans.flatMap((plan) => brief(plan).map((resource) => `${plan.node}=${resource}`));

/** Plans a directory of these files. */
async function plan(files: Readonly<Record<string, string>>, ...flags: readonly string[]) {
  await using directory = await ManifestsDirectory.make(files);
  return await runProgram('cli/kubectl-macvtap.ts', ['plan', directory.path, ...flags]);
}

describe('the plan command, on the three hosts of the proposal', () => {
  for (const { title, files, table, resources } of forms) {
    it(`prints what ${title} exposes, as a table, JSON and YAML`, async () => {
      const [text, json, yaml] = await Promise.all([plan(files), plan(files, '-o', 'json'), plan(files, '-o=yaml')]);
      assert.deepEqual(text.stdout.split('\n\nNot exposed:\n')[0]?.split('\n'), table);
      assert.deepEqual(shorten(JSON.parse(json.stdout)), resources);
      assert.deepEqual(parse(yaml.stdout), JSON.parse(json.stdout));
      for (const { code, stderr } of [text, json, yaml]) assert.deepEqual([code, stderr], [0, '']);
    });
  }

  it('lists resources that are not exposed below the table, with the reason', async () => {
    const { stdout } = await plan(forms[0].files);
    const notes = stdout.split('\n\nNot exposed:\n')[1]?.trimEnd().split('\n') ?? [];
    assert.deepEqual(
      notes.map((note) => note.slice(0, note.indexOf(':'))),
      [
        '  h1 and h2  NothingFound  macvtap-cni/policy-1[2] eth2 as dataplane',
        '  h2  NothingFound  macvtap-cni/policy-1[1] eth1 as quickDataplane',
        '  h3  Loopback  implicit lo',
      ],
    );
  });

  it('accepts the directory as a source, as every command does', async () => {
    await using directory = await ManifestsDirectory.make(forms[0].files);
    const { code, stdout } = await runProgram('cli/kubectl-macvtap.ts', [
      'plan',
      `--source=manifests:${directory.path}`,
    ]);
    assert.deepEqual([code, stdout.split('\n\n')[0]?.split('\n')], [0, forms[0].table]);
  });

  it('prints only one node when asked to', async () => {
    const { code, stdout } = await plan(forms[0].files, '--node', 'h1');
    assert.equal(code, 0);
    assert.deepEqual(stdout.split('\n').slice(0, 3), forms[0].table.slice(0, 3));
    assert.doesNotMatch(stdout, /^ *h[23]/m);
  });

  it('plans with the implicit exposure that the flags give', async () => {
    const all = await plan({ 'nodes.yaml': nodes }, '--node=h1', '--link-kinds=device', '--implicit-exclude=eth0');
    assert.match(all.stdout, /eth1.*bond1.*eth0/s);
    const none = await plan({ 'nodes.yaml': nodes }, '--node=h1', '--implicit-exposure', 'None');
    assert.deepEqual([none.code, none.stdout.split('\n')[1]], [0, 'h1    -         -       -     -         none']);
  });
});

describe('the plan command, when something is missing', () => {
  it('prints the other plans next to a node without known interfaces, and fails', async () => {
    const files = { ...forms[0].files, 'h4.yaml': 'apiVersion: v1\nkind: Node\nmetadata: { name: h4 }\n' };
    const { code, stdout, stderr } = await plan(files);
    assert.deepEqual(stdout.split('\n').slice(0, 6), forms[0].table);
    assert.deepEqual([code, stderr.split(':')[0]], [1, 'Node h4']);
    assert.match(stderr, /MacvtapNetworkNodeState h4/);
  });

  it('names a missing node, and fails', async () => {
    const { code, stdout, stderr } = await plan(forms[0].files, '--node', 'h9');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^Node h9: .*--node\n$/);
  });

  it('names a missing directory, and fails', async () => {
    await using directory = await ManifestsDirectory.make();
    const missing = join(directory.path, 'nowhere');
    const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['plan', missing]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.ok(stderr.includes(missing), stderr);
    assert.doesNotMatch(stderr, /no Node among the files/);
  });

  it('explains what an empty directory needs, and fails', async () => {
    const { code, stdout, stderr } = await plan({});
    assert.deepEqual([code, stdout, stderr], [1, '', 'no Node among the files; add one\n']);
  });
});

const misuses = [
  { title: 'with two directories', flags: ['a', 'b'], says: /b: unexpected/ },
  { title: 'with an unknown flag', flags: ['a', '--nodes'], says: /--nodes: no such flag/ },
  { title: 'with an unknown format', flags: ['a', '-o', 'xml'], says: /xml: write one of table, json, yaml/ },
  { title: 'with a flag that lacks its value', flags: ['a', '--node'], says: /--node: needs a value/ },
  { title: 'with a broken glob', flags: ['a', '--implicit-exclude', 'usb['], says: /--implicit-exclude usb\[: / },
] as const;

describe('the plan command, called wrongly', () => {
  for (const { title, flags, says } of misuses) {
    it(`${title}, reports that and exits with the code for misuse`, async () => {
      const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['plan', ...flags]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^kubectl macvtap plan: /);
      assert.match(stderr, says);
    });
  }

  it('with an unknown variable, reports that and exits with the code for misuse', async () => {
    const { code, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['plan', 'a'], { KUBE_MACVTAP_NODES: 'h1' });
    assert.equal(code, 2);
    assert.match(stderr, /KUBE_MACVTAP_NODES/);
  });

  it('with --help, prints every flag on standard output and succeeds', async () => {
    const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['plan', '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: kubectl macvtap plan \[directory\] \[flags\]$/m);
    for (const flag of ['node', 'output', 'source', 'context', 'link-kinds', 'implicit-exposure', 'implicit-exclude']) {
      assert.match(stdout, new RegExp(`^ +(-o, )?--${flag}\\b`, 'm'));
    }
  });
});
