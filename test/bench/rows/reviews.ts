// SPDX-License-Identifier: Apache-2.0
import { type Figure, measurement } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { bundledForm } from '../program-form.ts';
import type { BenchRow } from '../row.ts';
import { buildReviewCluster } from '../webhook/build-review-cluster.ts';
import { expectAnswered } from '../webhook/expect-answered.ts';
import { prepareReviews } from '../webhook/prepare-reviews.ts';
import { buildNetworks, buildPods } from '../webhook/review-objects.ts';
import { createLoadGenerator, type Load, type LoadGenerator } from '../webhook/run-wrk.ts';
import { connectReviews } from '../webhook/send-review.ts';
import { startBareServer } from '../webhook/start-bare-server.ts';
import { type BenchWebhook, makeWebhookSite, type ReviewServer, startWebhook } from '../webhook/start-webhook.ts';

const size = { nodes: 5_000, policies: 100 };
const objects = 100;
const connections = [1, 8, 64] as const;
const seconds = 3;
const rounds = 5;

/** The design's limits, for networks over 8 connections. */
const reached = { connections: 8, perSecond: 8_000, p99Ms: 10 } as const;

/**
 * Measures reviews over TLS by one process that knows a large cluster. Mutation and validation of new objects
 * alternate, each in a separate request. For comparison, measures a bare node:https server that parses the same bodies
 * and allows everything.
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
    await using bare = await startBareServer(site);
    using client = connectReviews(webhook.port, site.pair.authority.pem);
    await using ofNetworks = await createLoadGenerator(await prepareReviews(client, networks));
    await using ofPods = await createLoadGenerator(await prepareReviews(client, buildPods(objects, networks)));
    report(`every answer is correct; ${rounds} rounds`);
    const servers = { webhook, bare };
    return [
      ...(await measureLoads('NAD', ofNetworks, servers, report)),
      ...(await measureLoads('pod', ofPods, servers, report)),
    ];
  },
};

interface Servers {
  readonly webhook: BenchWebhook;
  readonly bare: ReviewServer;
}

async function measureLoads(
  what: 'NAD' | 'pod',
  generator: LoadGenerator,
  { webhook, bare }: Servers,
  report: (text: string) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const count of connections) {
    report(`${what}s, ${count} at once`);
    const loads: Record<keyof Servers, Load[]> = { webhook: [], bare: [] };
    await interleave(
      { rounds: rounds + 1 },
      {
        webhook: async () => {
          const before = await webhook.metrics();
          const load = await generator.run({ port: webhook.port, connections: count, seconds });
          expectAnswered(load.requests, { before, after: await webhook.metrics() });
          loads.webhook.push(load);
          return [];
        },
        bare: async () => {
          loads.bare.push(await generator.run({ port: bare.port, connections: count, seconds }));
          return [];
        },
      },
    );
    const title = `${what} reviews (mutate and validate, each counts), ${count} ${count === 1 ? 'connection' : 'connections'}`;
    figures.push(...compareLoads(title, loads, what === 'NAD' && count === reached.connections));
  }
  return figures;
}

/** Returns the medians of the rounds, without the first one, which is a warm-up. */
function compareLoads(title: string, loads: Record<keyof Servers, readonly Load[]>, isReached: boolean): Figure[] {
  const figure = (part: 'perSecond' | 'p50' | 'p99', rest: Pick<Figure, 'title' | 'unit' | 'reach'>): Figure => {
    const of = (each: readonly Load[]) =>
      measurement(
        each.slice(1).map((load) => load[part]),
        0.5,
      );
    return { ...rest, ...of(loads.webhook), beside: { title: 'bare node:https', ...of(loads.bare) } };
  };
  const { perSecond, p99Ms } = reached;
  return [
    figure('perSecond', { title, unit: 'per second', ...(isReached && { reach: { valueAtLeast: perSecond } }) }),
    figure('p50', { title: `${title}, p50`, unit: 'ms' }),
    figure('p99', { title: `${title}, p99`, unit: 'ms', ...(isReached && { reach: { valueAtMost: p99Ms } }) }),
  ];
}
