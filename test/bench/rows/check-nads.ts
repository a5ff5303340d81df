// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import type { NadContext, NadObject } from '../../../policy/nad/read-nad.ts';
import { defaultNad, reviewNad } from '../../../policy/nad/review-nad.ts';
import type { OffersInput } from '../../../policy/offers/offers.ts';
import { collectOffers, createOffersIndex } from '../../../policy/offers/offers-index.ts';
import type { Labels } from '../../../policy/plan/match-labels.ts';
import { type Figure, measurement } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';
import { buildReviewCluster, type ReviewCluster } from '../webhook/build-review-cluster.ts';
import { buildNetworks } from '../webhook/review-objects.ts';

const size = { nodes: 5_000, policies: 100 };
const rounds = 30;
const changes = 30;

/**
 * Measures only the rules, in this process: the defaults and errors of a network, with the offers of a large cluster.
 * For comparison, measures how long it takes to parse the network's JSON. Also measures how long it takes to read all
 * offers from scratch, and after one node's state has changed. No review is answered while offers are read.
 */
export const checkNads: BenchRow = {
  name: 'check-nads',
  needsRoot: false,
  async measure(report) {
    const cluster = readInput(buildReviewCluster(size));
    report('networks');
    const checks = await measureChecks(cluster);
    report('offers');
    return [...checks, ...(await measureOffers(cluster))];
  },
};

async function measureChecks(input: OffersInput): Promise<readonly Figure[]> {
  const context: NadContext = { offers: collectOffers(input), namespaceLabels: {}, unknownResource: 'Deny' };
  const networks = buildNetworks(100).map(({ object, isPatched }) => {
    const nad = object as unknown as NadObject;
    const isRight = defaultNad(nad, context).edits.length > 0 === isPatched;
    if (!isRight) throw new Error(`${object.metadata.name} has other defaults than expected`);
    return { nad, text: JSON.stringify(nad) };
  });
  const samples = await interleave(
    { rounds, warmUp: 10 },
    {
      check: () =>
        timeEach(networks, ({ nad }) => {
          defaultNad(nad, context);
          reviewNad(nad, context);
        }),
      parse: () => timeEach(networks, ({ text }) => JSON.parse(text)),
    },
  );
  const figure = (name: string, share: number): Figure => ({
    title: `NAD defaulted and checked with ${size.nodes} nodes × ${size.policies} policies, ${name}`,
    unit: 'ms',
    ...measurement(samples.check, share),
    beside: { title: 'JSON.parse of it', ...measurement(samples.parse, share) },
    ...(share === 0.5 && { reach: { valueAtMost: 0.2 } }),
  });
  return [figure('p50', 0.5), figure('p99', 0.99)];
}

async function measureOffers(input: OffersInput): Promise<readonly Figure[]> {
  const index = createOffersIndex();
  index.update(input);
  let next = input;
  const samples = await interleave(
    { rounds: changes, warmUp: 3 },
    {
      // Runs only in every tenth round, because it takes a thousand times as long.
      whole: async (round) => (round % 10 === 3 ? [await timeMs(() => collectOffers(input))] : []),
      one: async (round) => {
        next = withChange(next, round);
        return [await timeMs(() => index.update(next))];
      },
    },
  );
  const title = `offers of ${size.nodes} nodes × ${size.policies} policies`;
  return [
    { title: `${title}, read from scratch`, unit: 'ms', ...measurement(samples.whole, 0.5) },
    { title: `${title}, after one node's state changed`, unit: 'ms', ...measurement(samples.one, 0.5) },
  ];
}

async function timeEach<Item>(items: readonly Item[], work: (item: Item) => void): Promise<readonly number[]> {
  return items.map((item) => {
    const begin = performance.now();
    work(item);
    return performance.now() - begin;
  });
}

/** Returns the same cluster, except that the first resource of one node has one more device. */
function withChange(input: OffersInput, round: number): OffersInput {
  const name = [...input.nodeStates.keys()][round] as string;
  const { status, ...state } = input.nodeStates.get(name) as MacvtapNetworkNodeState;
  const [first, ...resources] = status?.resources ?? [];
  if (first === undefined) throw new Error(`${name} exposes nothing`);
  const changed = { ...status, resources: [{ ...first, quantity: first.quantity + 1 }, ...resources] };
  return { ...input, nodeStates: new Map(input.nodeStates).set(name, { ...state, status: changed }) };
}

function readInput({ objects, policies }: ReviewCluster): OffersInput {
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  const states = ofKind('MacvtapNetworkNodeState') as unknown as readonly MacvtapNetworkNodeState[];
  return {
    policies,
    nodes: new Map(ofKind('Node').map(({ metadata: { name, labels } }) => [name, { name, labels: labels as Labels }])),
    nodeStates: new Map(states.map((state) => [state.metadata.name as string, state])),
    explicit: undefined,
  };
}
