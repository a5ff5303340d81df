// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.ts';
import { median } from '../percentile.ts';
import { bundledForm } from '../program-form.ts';
import { residentBytes } from '../resident-bytes.ts';
import type { BenchRow } from '../row.ts';
import { bareNodeBytes, idleMs } from '../webhook/bare-node.ts';
import { buildReviewCluster } from '../webhook/build-review-cluster.ts';
import { expectAnswered } from '../webhook/expect-answered.ts';
import { prepareReviews } from '../webhook/prepare-reviews.ts';
import { buildNetworks, buildPods } from '../webhook/review-objects.ts';
import { createLoadGenerator } from '../webhook/run-wrk.ts';
import { connectReviews } from '../webhook/send-review.ts';
import { makeWebhookSite, startWebhook } from '../webhook/start-webhook.ts';
import { returnedMs } from './webhook-memory.ts';

const size = { nodes: 5_000, policies: 100 };
const objects = 100;
const connections = 8;

/** The duration in the design. */
const minutes = 10;
const samplesPerMinute = 60;

/**
 * The minute from which memory is compared. Before it, everything that is filled only once fills up: compiled code,
 * pools, buffers of connections.
 */
const settledMinute = 2;

/** How much two minutes without growth may differ, because of the garbage collector. */
const noise = 1.05;

/**
 * Measures the resident memory of one webhook during ten minutes of reviews of networks and pods without a pause. It
 * takes a sample each second, and the median of each minute. For comparison, measures a Node.js of the same version
 * that only keeps a timer. The last minute is also compared with the second one.
 */
export const webhookGrowth: BenchRow = {
  name: 'webhook-growth',
  needsRoot: true,
  onlyNamed: true,
  async measure(report) {
    const networks = buildNetworks(objects);
    const cluster = buildReviewCluster(
      size,
      networks.map(({ object }) => object),
    );
    const bare = await bareNodeBytes();
    await using site = await makeWebhookSite(cluster.objects);
    await using form = await bundledForm('webhook');
    await using webhook = await startWebhook(site, form);
    await sleep(idleMs);
    const bytes = () => residentBytes(webhook.process.pid);
    const ready = await bytes();
    using client = connectReviews(webhook.port, site.pair.authority.pem);
    const work = [...networks, ...buildPods(objects, networks)];
    await using generator = await createLoadGenerator(await prepareReviews(client, work));
    const before = await webhook.metrics();
    const loading = generator.run({ port: webhook.port, connections, seconds: 60 * minutes });
    const [load, medians] = await Promise.all([loading, sampleMinutes(bytes, report)]);
    expectAnswered(load.requests, { before, after: await webhook.metrics() });
    await sleep(idleMs);
    const after = await bytes();
    await sleep(returnedMs);
    const idle = await bytes();
    report(`${load.requests} reviews, ${Math.round(load.perSecond)} per second`);

    const title = `webhook's resident memory, bundled, ${size.nodes} nodes`;
    const beside = { title: 'bare Node.js with a timer', value: bare, count: 1 };
    const figure = (when: string, value: number, count: number): Figure => ({
      ...{ title: `${title}, ${when}`, unit: 'bytes', value, count, beside },
    });
    const settled = medians[settledMinute - 1] as number;
    return [
      figure('ready', ready, 1),
      ...medians.map((value, index) => figure(`minute ${index + 1} of reviews`, value, samplesPerMinute)),
      { ...figure(`directly after ${minutes} minutes of reviews`, after, 1), reach: { ratioAtMost: 2.5 } },
      { ...figure(`idle after ${minutes} minutes of reviews`, idle, 1), reach: { ratioAtMost: 2.5 } },
      {
        ...figure('growth', medians.at(-1) as number, samplesPerMinute),
        beside: { title: `minute ${settledMinute}`, value: settled, count: samplesPerMinute },
        reach: { ratioAtMost: noise },
      },
    ];
  },
};

/** Takes samples for `minutes` minutes. Returns the median of the samples of each minute. */
async function sampleMinutes(
  sample: () => Promise<number>,
  report: (text: string) => void,
): Promise<readonly number[]> {
  const medians: number[] = [];
  for (let minute = 1; minute <= minutes; minute += 1) {
    const samples: number[] = [];
    while (samples.length < samplesPerMinute) {
      await sleep(60_000 / samplesPerMinute);
      samples.push(await sample());
    }
    medians.push(median(samples));
    report(`minute ${minute} of ${minutes}: ${Math.round((medians.at(-1) as number) / 1e6)} MB`);
  }
  return medians;
}
