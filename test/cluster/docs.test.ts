// SPDX-License-Identifier: Apache-2.0
// Runs the commands of the docs unchanged on nodes, from the installation to the uninstallation.
import { mkdirSync, mkdtempDisposableSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { binaryPath } from '../binaries/binary-path.ts';
import { runBlock } from '../docs/run-block.ts';
import { type DocBlock, docBlocks, proofOf } from '../house/doc-blocks.ts';
import { root } from '../house/source-files.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { busyboxImage } from './images/build-images.ts';
import { clusterValues } from './install/cluster-values.ts';
import { ownImages } from './install/own-images.ts';
import { clusterFolder, paths } from './layout.ts';
import { seedNodes } from './seed-nodes.ts';

const images = await ownImages(() => {});
// The hosts of the API proposal (test/fixtures/seed) that have the NIC of the quick start.
const nodes = seedNodes.filter(({ interfaces }) => interfaces.includes('eth1'));
const cluster = await clusterOfFile(nodes, { images });

/** The page that installs runs first, and the page that uninstalls runs last. All others run in between. */
const first = 'docs/tutorial/quick-start.md';
const last = 'docs/how-to/uninstall.md';

describe('commands in the docs', () => {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'kmtc-docs-'));
  const programs = join(folder.path, '.bin');
  const environment = {
    KUBECONFIG: cluster.kubeconfig,
    HOME: clusterFolder,
    PATH: `${programs}:${paths.programs}:${process.env.PATH}`,
  };

  before(async () => {
    for (const name of ['charts', 'docs', 'test']) symlinkSync(`${root}${name}`, join(folder.path, name));
    mkdirSync(programs);
    symlinkSync(binaryPath('helm'), join(programs, 'helm'));
    writeFileSync(join(folder.path, 'values.yaml'), JSON.stringify(await clusterValues()));
    // Nodes cannot pull images, so the image name in the docs becomes a tag of an image that every node has.
    for (const { name } of nodes) {
      const tag = [
        'ctr',
        '--namespace=k8s.io',
        'images',
        'tag',
        busyboxImage,
        'docker.io/library/busybox:1.37',
      ] as const;
      await cluster.run(name, ...tag);
    }
  });
  after(() => folder[Symbol.dispose]());

  const blocks = docBlocks().filter((block) => isRunHere(block));
  const rank = ({ page }: DocBlock) => (page === first ? 0 : page === last ? 2 : 1);
  for (const block of blocks.toSorted((left, right) => rank(left) - rank(right))) {
    it(`${block.page}:${block.line} runs as documented: ${block.firstLine}`, () =>
      runBlock(block, { folder: folder.path, environment }));
  }
});

function isRunHere(block: DocBlock): boolean {
  const proof = proofOf(block);
  return proof !== undefined && 'runs' in proof && proof.runs === 'in a cluster';
}
