// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '../../../build/bundle-program.ts';
import { startProcess } from '../../process/start-process.ts';
import { buildLargeCluster } from '../cli/build-large-cluster.ts';
import { type PageRequest, type ServedPages, servePages } from '../cli/serve-pages.ts';
import { type Figure, measurement } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';
import { makeWebhookSite } from '../webhook/start-webhook.ts';

/** The design's size, and a cluster with fewer policies, whose node states are a fifth as large. */
const sizes = [
  { nodes: 5_000, policies: 10, rounds: 5 },
  { nodes: 5_000, policies: 100, rounds: 3 },
] as const;
const token = 'token-of-the-bench';

/** A way to start the command. */
type Form = 'npm package' | 'bundled';

/**
 * Measures `kubectl macvtap status` and `why` in a large cluster, from the start of the command to its end. Each runs
 * as the npm package starts it, and bundled as in an executable. For comparison, a bare Node.js program requests the
 * same lists over the same connection, and parses them.
 */
export const askCluster: BenchRow = {
  name: 'ask-cluster',
  needsRoot: false,
  async measure(report) {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-ask-'));
    const starts: Readonly<Record<Form, string>> = {
      'npm package': fileURLToPath(new URL('../../../cli/launch.js', import.meta.url)),
      bundled: await bundleProgram({ program: 'cli', folder: join(folder.path, 'cli') }),
    };
    const figures: Figure[] = [];
    for (const size of sizes) figures.push(...(await measureSize(size, folder.path, starts, report)));
    return figures;
  },
};

async function measureSize(
  { nodes, policies, rounds }: (typeof sizes)[number],
  folder: string,
  starts: Readonly<Record<Form, string>>,
  report: (text: string) => void,
): Promise<readonly Figure[]> {
  const { objects, placed, waiting } = buildLargeCluster({ nodes, policies });
  await using site = await makeWebhookSite(objects);
  const pages = servePages(site.cluster.apiServer);
  const server = `https://127.0.0.1:${site.cluster.environment.KUBERNETES_SERVICE_PORT}`;
  const ca = site.pair.authority.pem;
  const [kubeconfig, order] = [join(folder, 'kubeconfig'), join(folder, 'order.json')];
  await writeFile(kubeconfig, kubeconfigOf(server, ca));
  const figures: Figure[] = [];
  for (const { title, args } of [
    { title: 'status', args: ['status'] },
    { title: 'why, a pod on a node', args: ['why', `pod/${placed.name}`, '-n', placed.namespace] },
    { title: 'why, a pod that waits for a node', args: ['why', `pod/${waiting.name}`, '-n', waiting.namespace] },
  ]) {
    report(`${policies} policies: ${title}`);
    const ask = (form: Form) => run(starts[form], [...args, '--kubeconfig', kubeconfig]);
    const lists = await recordLists(pages, () => ask('bundled'));
    await writeFile(order, JSON.stringify({ server, ca, token, lists }));
    const samples = await interleave(
      { rounds, warmUp: 1 },
      {
        'npm package': async () => [await timeMs(() => ask('npm package'))],
        bundled: async () => [await timeMs(() => ask('bundled'))],
        bare: async () => [await timeMs(() => run(bareLists, [order]))],
      },
    );
    const beside = { title: 'bare Node.js, the same pages', ...measurement(samples.bare, 0.5) };
    for (const form of ['npm package', 'bundled'] as const) {
      figures.push({
        title: `kubectl macvtap ${title}, ${nodes} nodes × ${policies} policies, ${form}, p50`,
        unit: 'ms',
        ...measurement(samples[form], 0.5),
        beside,
        reach: { valueAtMost: 1_500 },
      });
    }
  }
  return figures;
}

const bareLists = fileURLToPath(new URL('../cli/bare-lists.ts', import.meta.url));

/** Returns the pages that a command requests, by list. */
async function recordLists(
  pages: ServedPages,
  command: () => Promise<void>,
): Promise<readonly (readonly PageRequest[])[]> {
  pages.takeRequests();
  await command();
  const requests = pages.takeRequests();
  return [...Map.groupBy(requests, ({ path, accept }) => `${accept} ${path.replace(/&continue=[^&]*/, '')}`).values()];
}

/** Runs a program to its end. Exit code 1 of `why` means that it found a cause. */
async function run(program: string, args: readonly string[]): Promise<void> {
  await using running = startProcess({ name: program, command: [process.execPath, program, ...args] });
  const { code } = await running.exit;
  if (code !== 0 && !(code === 1 && args[0] === 'why')) throw new Error(`exit code ${code}: ${running.output}`);
}

function kubeconfigOf(server: string, ca: string): string {
  const certificate = Buffer.from(ca).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': certificate } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
