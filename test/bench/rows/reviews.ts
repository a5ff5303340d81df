// SPDX-License-Identifier: Apache-2.0
import { type Figure, measurement, type Reach, type Unit } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { bundledForm } from '../program-form.ts';
import type { BenchRow } from '../row.ts';
import { buildReviewCluster } from '../webhook/build-review-cluster.ts';
import { expectAnswered } from '../webhook/expect-answered.ts';
import { type PreparedReview, prepareReviews } from '../webhook/prepare-reviews.ts';
import { buildNetworks, buildPods } from '../webhook/review-objects.ts';
import { createLoadGenerator, type Load } from '../webhook/run-wrk.ts';
import { connectReviews } from '../webhook/send-review.ts';
import { startBareServer } from '../webhook/start-bare-server.ts';
import { type BenchWebhook, makeWebhookSite, type ReviewServer, startWebhook } from '../webhook/start-webhook.ts';

const size = { nodes: 5_000, policies: 100 };
const objects = 100;
const seconds = 3;
const rounds = 5;

/** A load of reviews, and the design's limits for it. */
interface ReviewLoad {
  readonly title: string;
  readonly reviews: readonly PreparedReview[];
  readonly connections: readonly number[];
  /** The limits over 8 connections. */
  readonly reach?: { readonly perSecond?: Reach; readonly p99?: Reach };
}

/**
 * Measures reviews over TLS by one process that knows a large cluster. In the first two loads, mutation and validation
 * of new objects alternate, each in a separate request. The other two are only the mutation of pods, each of which gets
 * devices, and only the validation of networks. For comparison, measures a bare node:https server that parses the same
 * bodies and sends the same answers.
 */
export const reviews: BenchRow = {
  name: 'reviews',
  needsRoot: true,
  async measure(report) {
    const networks = buildNetworks(objects);
    const cluster = buildReviewCluster(
      size,
      networks.map(({ object }) => object),
    );
    await using site = await makeWebhookSite(cluster.objects);
    await using form = await bundledForm('webhook');
    await using webhook = await startWebhook(site, form);
    using client = connectReviews(webhook.port, site.pair.authority.pem);
    const ofNetworks = await prepareReviews(client, networks);
    const ofPods = await prepareReviews(client, buildPods(objects, networks));
    await using bare = await startBareServer(site, [...ofNetworks, ...ofPods]);
    report(`every answer is correct; ${rounds} rounds`);
    const figures: Figure[] = [];
    for (const load of reviewLoads(ofNetworks, ofPods)) {
      figures.push(...(await measureLoad(load, { webhook, bare }, report)));
    }
    return figures;
  },
};

function reviewLoads(ofNetworks: readonly PreparedReview[], ofPods: readonly PreparedReview[]): readonly ReviewLoad[] {
  const both = 'reviews (mutate and validate, each counts)';
  const only = (reviews: readonly PreparedReview[], wanted: PreparedReview['verb']) =>
    reviews.filter(({ verb }) => verb === wanted);
  const connections = [1, reachConnections, 64];
  const nearBare = { connections: [reachConnections], reach: { perSecond: { ratioAtLeast: 0.75 } } };
  return [
    {
      title: `NAD ${both}`,
      reviews: ofNetworks,
      connections,
      reach: { perSecond: { valueAtLeast: 8_000 }, p99: { valueAtMost: 10 } },
    },
    { title: `pod ${both}`, reviews: ofPods, connections },
    { title: 'pod mutation with injection', reviews: only(ofPods, 'mutate'), ...nearBare },
    { title: 'network validation', reviews: only(ofNetworks, 'validate'), ...nearBare },
  ];
}

/** The number of connections for which the design has limits. */
const reachConnections = 8;

interface Servers {
  readonly webhook: BenchWebhook;
  readonly bare: ReviewServer;
}

async function measureLoad(
  load: ReviewLoad,
  { webhook, bare }: Servers,
  report: (text: string) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  await using generator = await createLoadGenerator(load.reviews);
  for (const connections of load.connections) {
    report(`${load.title}, ${connections} at once`);
    const done: Record<keyof Servers, Load[]> = { webhook: [], bare: [] };
    await interleave(
      { rounds: rounds + 1 },
      {
        webhook: async () => {
          const before = await webhook.metrics();
          const run = await generator.run({ port: webhook.port, connections, seconds });
          expectAnswered(run.requests, { before, after: await webhook.metrics() });
          done.webhook.push(run);
          return [];
        },
        bare: async () => {
          done.bare.push(await generator.run({ port: bare.port, connections, seconds }));
          return [];
        },
      },
    );
    const title = `${load.title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    figures.push(...compareLoads(title, done, connections === reachConnections ? load.reach : undefined));
  }
  return figures;
}

/** Returns the medians of the rounds, without the first one, which is a warm-up. */
function compareLoads(
  title: string,
  loads: Readonly<Record<keyof Servers, readonly Load[]>>,
  reach: ReviewLoad['reach'],
): readonly Figure[] {
  const figure = (part: 'perSecond' | 'p50' | 'p99', name: string, unit: Unit, limit?: Reach): Figure => {
    const of = (each: readonly Load[]) =>
      measurement(
        each.slice(1).map((load) => load[part]),
        0.5,
      );
    return {
      title: `${title}${name}`,
      unit,
      ...of(loads.webhook),
      beside: { title: 'bare node:https', ...of(loads.bare) },
      ...(limit !== undefined && { reach: limit }),
    };
  };
  return [
    figure('perSecond', '', 'per second', reach?.perSecond),
    figure('p50', ', p50', 'ms'),
    figure('p99', ', p99', 'ms', reach?.p99),
  ];
}
