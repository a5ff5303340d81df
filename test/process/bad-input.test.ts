// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';

const nodes = await readFile(new URL('../fixtures/seed/nodes.yaml', import.meta.url), 'utf8');
const group = 'macvtap.network.kubevirt.io';

function policy(name: string, spec: object, namespace = 'macvtap-cni'): string {
  const kind = 'MacvtapNetworkNodePolicy';
  return JSON.stringify({ apiVersion: `${group}/v1alpha1`, kind, metadata: { name, namespace }, spec });
}

const entry = (fields: object) => policy('p', { parentSelector: [{ parentIface: 'eth0', ...fields }] });
const manyEntries = (count: number) =>
  policy('p', { parentSelector: Array.from({ length: count }, (_, index) => ({ parentIface: `nic${index}` })) });

function nodeState(...names: readonly string[]): string {
  const interfaces = names.map((name) => ({ name }));
  return [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'odd' } },
    {
      apiVersion: `${group}/v1alpha1`,
      kind: 'MacvtapNetworkNodeState',
      metadata: { name: 'odd' },
      status: { interfaces },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

const subject = 'MacvtapNetworkNodePolicy macvtap-cni/p: spec';
const first = `${subject}.parentSelector[0]`;

/**
 * Invalid objects, each in a file next to valid ones. `says` has the lines on standard error: the object, the field and
 * a word of the fix. The other words of a line are not checked.
 */
const refused: readonly { title: string; text: string; says: readonly (readonly [object: string, hint: RegExp])[] }[] =
  [
    {
      title: 'a field that does not exist',
      text: policy('p', { parentSelector: [{ parentIface: 'eth0', quantitty: 3 }], nodeSelectr: {} }),
      says: [
        [`${first}.quantitty`, /remove it or correct its name/],
        [`${subject}.nodeSelectr`, /remove it or correct its name/],
      ],
    },
    {
      title: 'fields of the wrong type',
      text: policy('p', { parentSelector: [{ parentIface: 1, quantity: '5' }], priority: 'high' }),
      says: [
        [`${first}.parentIface`, /write it in quotes/],
        [`${first}.quantity`, /integer/],
        [`${subject}.priority`, /integer/],
      ],
    },
    { title: 'a policy without content', text: policy('p', {}), says: [[`${subject}.parentSelector`, /add it/]] },
    {
      title: 'an unknown mode',
      text: entry({ mode: 'source' }),
      says: [[`${first}.mode`, /bridge, private, vepa, passthru/]],
    },
    { title: 'quantity 0', text: entry({ quantity: 0 }), says: [[`${first}.quantity`, /\b1\b/]] },
    { title: 'quantity 5000', text: entry({ quantity: 5000 }), says: [[`${first}.quantity`, /\b4096\b/]] },
    {
      title: 'quantity 2 for passthru',
      text: entry({ mode: 'passthru', quantity: 2 }),
      says: [[`${first}.quantity`, /write 1 or leave it out/]],
    },
    {
      title: 'empty lists',
      text: policy('p', { parentSelector: [], nodeAffinity: { nodeSelectorTerms: [] } }),
      says: [
        [`${subject}.parentSelector`, /at least one/],
        [`${subject}.nodeAffinity.nodeSelectorTerms`, /at least one/],
      ],
    },
    {
      title: 'an illegal resource name',
      text: entry({ resourceName: 'data/plane' }),
      says: [[`${first}.resourceName`, /A-Z/i]],
    },
    { title: 'more than 64 entries', text: manyEntries(65), says: [[`${subject}.parentSelector`, /\b64\b/]] },
    {
      title: 'neither an interface nor a selector',
      text: policy('p', { parentSelector: [{ mode: 'bridge' }] }),
      says: [[first, /add one/]],
    },
    {
      title: 'an interface name that no link can have',
      text: entry({ parentIface: 'a/b' }),
      says: [[`${first}.parentIface`, /spaces, slashes or colons/]],
    },
    {
      title: 'a policy outside the namespace of the installation',
      text: policy('p', { parentSelector: [{ parentIface: 'eth0' }] }, 'default'),
      says: [['MacvtapNetworkNodePolicy default/p: metadata.namespace', /create the policy in macvtap-cni/]],
    },
    {
      title: 'a node state with a name that is too long',
      text: nodeState('a-name-of-16-chr'),
      says: [['MacvtapNetworkNodeState odd: status.interfaces[0].name', /\b15\b/]],
    },
  ];

async function plan(text: string, ...flags: readonly string[]) {
  await using directory = await ManifestsDirectory.make({ 'nodes.yaml': nodes, 'given.yaml': text });
  return await runProgram('cli/kubectl-macvtap.ts', ['plan', directory.path, ...flags]);
}

describe('bad input to the plan command', () => {
  for (const { title, text, says } of refused) {
    it(`is named with its place and the fix: ${title}`, async () => {
      const { code, stdout, stderr } = await plan(text);
      assert.equal(code, 1);
      assert.match(stdout, /^h3 /m, 'the other nodes are planned nevertheless');
      const lines = stderr.trimEnd().split('\n');
      for (const [object, hint] of says) {
        const line =
          lines.find((one) => one.includes(`${object}: `)) ?? assert.fail(`nothing of ${object}:\n${stderr}`);
        assert.match(line, /^(given\.yaml, document \d+, line \d+: |Node odd: )/);
        assert.match(line.slice(line.indexOf(object) + object.length), hint);
      }
      assert.equal(lines.length, says.length, stderr);
    });
  }

  it('is reported with file, document and line if a document is not YAML, and valid documents count', async () => {
    const good = 'apiVersion: v1\nkind: Node\nmetadata: { name: h4 }\n';
    const { code, stdout, stderr } = await plan(`${good}---\nspec: [\n---\n${nodeState('eth0')}`);
    assert.equal(code, 1);
    assert.match(stdout, /^odd +eth0 /m);
    const [first, ...rest] = stderr.trimEnd().split('\n');
    assert.match(first ?? '', /^given\.yaml, document 2, line \d+: invalid YAML: ./);
    assert.deepEqual(
      rest.map((line) => line.split(':')[0]),
      ['Node h4'],
    );
  });
});

describe('unusual but valid input to the plan command', () => {
  it('may be 64 entries', async () => {
    const { code, stdout, stderr } = await plan(manyEntries(64), '--node', 'h1');
    assert.deepEqual([code, stderr], [0, '']);
    // The finding is printed once, with all entries to which it applies.
    assert.deepEqual([stdout.match(/NothingFound/g)?.length, stdout.match(/\[\d+\] nic\d+/g)?.length], [1, 64]);
  });

  it('may be conflicting policies; the plan names the loser, the reason and the winner', async () => {
    const spec = { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] };
    const both = `${policy('loser', spec)}\n---\n${policy('winner', { ...spec, priority: 1 })}`;
    const { code, stdout, stderr } = await plan(both, '--node', 'h1');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^h1 +data +eth0 +bridge +100 +policy macvtap-cni\/winner$/m);
    assert.match(stdout, /^ +h1 +ResourceNameTaken +macvtap-cni\/loser\[0\] eth0 as data: .*macvtap-cni\/winner/m);
  });

  it('may be interfaces with odd names; an invalid resource name is reported with the fix', async () => {
    const names = ['é%@', '-x', 'eth0.5', '$(id)', "a'b", '__proto__'];
    const { code, stdout, stderr } = await plan(nodeState(...names), '--node', 'odd', '-o', 'json');
    assert.deepEqual([code, stderr], [0, '']);
    const [nodePlan] = JSON.parse(stdout);
    assert.deepEqual(
      nodePlan.resources.map(({ parent }: { parent: string }) => parent),
      ['eth0.5'],
    );
    assert.deepEqual(
      nodePlan.skipped
        .map((finding: { interface: string; code: string }) => `${finding.code} ${finding.interface}`)
        .sort(),
      names
        .filter((name) => name !== 'eth0.5')
        .map((name) => `IllegalResourceName ${name}`)
        .sort(),
    );
    const { stdout: table } = await plan(nodeState('é%@'), '--node', 'odd');
    assert.match(table, /IllegalResourceName +implicit é%@: .*give the entry a resourceName/);
  });
});
