// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { GraphNode } from '../../cli/graph/build-graph.ts';
import { drawGraph } from '../../cli/graph/draw-graph.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from '../process/run-program.ts';
import { type Measured, measurePicture, needsBrowser } from './measure-picture.ts';
import { fiftyNodes, threeNodes } from './sample-graphs.ts';

const where = 'https://10.0.0.1:6443';

function assertLegible({ texts, overlaps, active, colours, pageTitle }: Measured): void {
  assert.deepEqual(
    texts.filter(({ overflow }) => overflow > 0.5),
    [],
    'texts outside of their boxes',
  );
  assert.deepEqual(overlaps, []);
  assert.deepEqual(
    texts.filter(({ size }) => size < 12),
    [],
  );
  assert.deepEqual(
    texts.filter(({ contrast }) => contrast < 4.5),
    [],
  );
  assert.deepEqual([active, pageTitle], [[], 'untouched']);
  assert.ok(colours > 10, `${colours} colours: a blank page, or no image`);
}

describe('the picture of a cluster, in a browser', { skip: needsBrowser }, () => {
  for (const [title, nodes] of [
    ['no node', []],
    ['three nodes', threeNodes],
    ['fifty nodes', fiftyNodes],
  ] as const) {
    it(`is legible with ${title}`, async () => {
      const measured = await measurePicture(drawGraph(nodes, where));
      assertLegible(measured);
      const shown = new Set(measured.texts.map(({ text }) => text));
      for (const { name } of nodes) assert.ok(shown.has(name) || name.length > 40, name);
    });
  }

  it('shows held devices, problems, and conflicts in red', () => {
    const svg = drawGraph(threeNodes, where);
    for (const part of [
      '>3/25 held<',
      '>Degraded: NoCarrier<',
      '>unused: eth2, ens5, ens6<',
      '>3 nodes, 4 resources,',
    ]) {
      assert.ok(svg.includes(part), part);
    }
    assert.match(svg, /<text [^>]*fill="#a40e26"[^>]*>ResourceNameTaken<\/text>/);
  });

  it('shows names only as text, whatever they contain', async () => {
    const evil = [
      `</text></svg><script>document.title='taken'</script>`,
      `" onload="document.title='taken'`,
      `<img src=x onerror="document.title='taken'">`,
      '&lt;b&gt; ]]> <!-- ',
      '\u0000\u001b[31m\ud800\uffff',
      '網卡一二三四五六七八九十網卡一二三四五六七八九十',
      'ﷺﷺﷺﷺﷺﷺﷺﷺ 👩‍👩‍👧‍👦👩‍👩‍👧‍👦 \u202eabc',
    ];
    const nodes = evil.map((name): GraphNode => {
      const resource = { name, detail: name, tone: 'bad', trouble: name, held: 1, quantity: 2 } as const;
      const parents = [{ name, detail: name, tone: 'plain', resources: [resource] } as const];
      return { name, source: name, parents, unused: [name], remarks: [{ tone: 'bad', title: name, detail: name }] };
    });
    assertLegible(await measurePicture(drawGraph(nodes, evil.join(''))));
  });
});

describe('the graph command', { skip: needsBrowser }, () => {
  it('draws planned nodes if no node reports resources, to standard output and to a file', async () => {
    const nodes = await readFile(new URL('../fixtures/seed/nodes.yaml', import.meta.url), 'utf8');
    await using directory = await ManifestsDirectory.make({ 'nodes.yaml': nodes });
    const graph = (...flags: readonly string[]) =>
      runProgram('cli/kubectl-macvtap.ts', ['graph', `--source=manifests:${directory.path}`, ...flags]);
    const file = join(directory.path, 'picture.svg');
    const [printed, written] = await Promise.all([graph(), graph('-o', file)]);
    assert.deepEqual([printed.code, printed.stderr, written.code, written.stdout], [0, '', 0, '']);
    assert.equal(await readFile(file, 'utf8'), printed.stdout);
    const json = JSON.parse((await graph('-o', 'json')).stdout) as readonly GraphNode[];
    assert.deepEqual(
      json.map(({ name, parents }) => [name, parents.map((parent) => parent.name)]),
      [
        ['h1', ['bond1', 'eth0', 'eth1']],
        ['h2', ['bond1', 'ens3', 'ens4', 'ens5', 'ens6']],
        ['h3', ['eth0', 'eth1']],
      ],
    );
    assert.match(printed.stdout, />planned: implicit<.*>bond1<.*>\?\/100 held</s);
    assertLegible(await measurePicture(printed.stdout));
  });
});
