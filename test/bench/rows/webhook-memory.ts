// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { type Figure, measurement } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { bundledForm, type ProgramForm, sourceForm } from '../program-form.ts';
import { residentBytes } from '../resident-bytes.ts';
import type { BenchRow } from '../row.ts';
import { reviewRequest } from '../webhook/admission-request.ts';
import { bareNodeBytes, idleMs } from '../webhook/bare-node.ts';
import { buildReviewCluster } from '../webhook/build-review-cluster.ts';
import { expectAnswered } from '../webhook/expect-answered.ts';
import { prepareReviews } from '../webhook/prepare-reviews.ts';
import { buildNetworks, buildPods, type ReviewObject } from '../webhook/review-objects.ts';
import { createLoadGenerator } from '../webhook/run-wrk.ts';
import { connectReviews } from '../webhook/send-review.ts';
import { startBareServer } from '../webhook/start-bare-server.ts';
import { makeWebhookSite, type ReviewServer, startWebhook, type WebhookSite } from '../webhook/start-webhook.ts';

const rounds = 3;
const policies = 100;
const objects = 100;
const connections = 8;

/**
 * The duration of the load. The design requires ten minutes, which webhook-growth takes, but most growth shows earlier.
 */
const loadSeconds = 20;

/**
 * After a load, the webhook returns unused memory when it has been idle for five seconds (keepMemorySmall). It looks at
 * intervals of five seconds, so the first idle interval ends at most ten seconds after the load.
 */
export const returnedMs = 12_000;

/**
 * Measures the resident memory of the webhook when it is ready, directly after a load of reviews of networks and pods,
 * and after it has then been idle. With ten nodes, measures the webhook from source and bundled; with 5,000 nodes, only
 * bundled. For comparison, measures a Node.js of the same version that only keeps a timer. Also measures a bare
 * node:https server under the same load, to show how much memory the load itself costs.
 */
export const webhookMemory: BenchRow = {
  name: 'webhook-memory',
  needsRoot: true,
  async measure(report) {
    await using bundled = await bundledForm('webhook');
    const networks = buildNetworks(objects);
    const work = [...networks, ...buildPods(objects, networks)];
    const stored = networks.map(({ object }) => object);
    await using small = await makeSite(10, stored);
    await using large = await makeSite(5_000, stored);
    const measure = (site: WebhookSite, form: ProgramForm) => () => measureWebhook(site, form, work);
    const samples = await interleave(
      { rounds },
      {
        bare: async (round) => {
          report(`round ${round + 1} of ${rounds}`);
          return [await bareNodeBytes()];
        },
        https: () => measureBareServer(small, work),
        source: measure(small, sourceForm('webhook')),
        bundled: measure(small, bundled),
        large: measure(large, bundled),
      },
    );
    const beside = { title: 'bare Node.js with a timer', ...measurement(samples.bare, 0.5) };
    const pair = (name: 'source' | 'bundled' | 'large' | 'https', title: string, reach?: Figure['reach']): Figure[] =>
      moments.map((when, part) => ({
        title: `${title}, ${when}`,
        unit: 'bytes',
        ...measurement(
          samples[name].filter((_, index) => index % moments.length === part),
          0.5,
        ),
        beside,
        ...(reach && { reach }),
      }));
    const title = "webhook's resident memory";
    return [
      ...pair('source', `${title}, source, 10 nodes`),
      ...pair('bundled', `${title}, bundled, 10 nodes`, { ratioAtMost: 2 }),
      ...pair('large', `${title}, bundled, 5,000 nodes`, { ratioAtMost: 2.5 }),
      ...pair('https', "a bare node:https server's resident memory"),
    ];
  },
};

const load = `after ${loadSeconds} s of reviews`;

/** When a sample is taken, in this order. */
const moments = ['ready', `directly ${load}`, `idle ${load}`] as const;

async function makeSite(nodes: number, networks: readonly WrittenObject[]): Promise<WebhookSite> {
  return makeWebhookSite(buildReviewCluster({ nodes, policies }, networks).objects);
}

/** Returns a sample for each of `moments`. */
async function measureWebhook(
  site: WebhookSite,
  form: ProgramForm,
  work: readonly ReviewObject[],
): Promise<readonly number[]> {
  await using webhook = await startWebhook(site, form);
  await sleep(idleMs);
  const ready = await residentBytes(webhook.process.pid);
  using client = connectReviews(webhook.port, site.pair.authority.pem);
  await using generator = await createLoadGenerator(await prepareReviews(client, work));
  const before = await webhook.metrics();
  const { requests } = await generator.run({ port: webhook.port, connections, seconds: loadSeconds });
  expectAnswered(requests, { before, after: await webhook.metrics() });
  return [ready, ...(await afterLoad(webhook))];
}

/** Returns the same samples of a bare server, which only reads, parses and allows. */
async function measureBareServer(site: WebhookSite, work: readonly ReviewObject[]): Promise<readonly number[]> {
  await using server = await startBareServer(site);
  await sleep(idleMs);
  const ready = await residentBytes(server.process.pid);
  await using generator = await createLoadGenerator(work.map(({ object }) => reviewRequest('mutate', object)));
  await generator.run({ port: server.port, connections, seconds: loadSeconds });
  return [ready, ...(await afterLoad(server))];
}

async function afterLoad({ process: { pid } }: ReviewServer): Promise<readonly number[]> {
  await sleep(idleMs);
  const direct = await residentBytes(pid);
  await sleep(returnedMs);
  return [direct, await residentBytes(pid)];
}
