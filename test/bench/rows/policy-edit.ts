// SPDX-License-Identifier: Apache-2.0
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { type Figure, measurement } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { bundledForm } from '../program-form.ts';
import type { BenchRow } from '../row.ts';
import { type ReviewRequest, reviewRequest } from '../webhook/admission-request.ts';
import { buildReviewCluster } from '../webhook/build-review-cluster.ts';
import { prepareReviews } from '../webhook/prepare-reviews.ts';
import { buildNetworks } from '../webhook/review-objects.ts';
import { createLoadGenerator, type Load } from '../webhook/run-wrk.ts';
import { connectReviews, type ReviewClient } from '../webhook/send-review.ts';
import { makeWebhookSite, startWebhook } from '../webhook/start-webhook.ts';

const size = { nodes: 5_000, policies: 100 };
const connections = 8;
const seconds = 5;
const rounds = 5;
const aloneEdits = 5;

/** The edited policy. It selects every node, and each node has a matching interface. */
const editedPolicy = 'policy-27';

/**
 * Measures reviews of networks while a policy that selects all of 5,000 nodes is edited repeatedly. Each edit is
 * planned for all nodes. For comparison, measures the same reviews without edits. Also measures the edit, both on its
 * own and among the reviews.
 */
export const policyEdit: BenchRow = {
  name: 'policy-edit',
  needsRoot: true,
  async measure(report) {
    const networks = buildNetworks(100);
    const { objects } = buildReviewCluster(size);
    await using site = await makeWebhookSite(objects);
    await using form = await bundledForm('webhook');
    await using webhook = await startWebhook(site, form);
    using client = connectReviews(webhook.port, site.pair.authority.pem);
    await using generator = await createLoadGenerator(await prepareReviews(client, networks));
    const edit = editOf(objects);
    const alone = await editAgain(client, edit, ({ length }) => length < aloneEdits);
    report(`${rounds} rounds`);
    const loads: Record<'edits' | 'peace', Load[]> = { edits: [], peace: [] };
    const among: Edited[] = [];
    const run = () => generator.run({ port: webhook.port, connections, seconds });
    await interleave(
      { rounds: rounds + 1 },
      {
        peace: async () => {
          loads.peace.push(await run());
          return [];
        },
        edits: async () => {
          let isOver = false;
          const loading = run().finally(() => {
            isOver = true;
          });
          const [load, edited] = await Promise.all([loading, editAgain(client, edit, () => !isOver)]);
          loads.edits.push(load);
          among.push(...edited);
          return [];
        },
      },
    );
    return [...compareLoads(loads), ...editFigures(alone, among)];
  },
};

/** How long the review of an edit took, and whether its warnings covered every node. */
interface Edited {
  readonly ms: number;
  readonly isComplete: boolean;
}

function editOf(objects: readonly WrittenObject[]): ReviewRequest {
  const policy = objects.find(({ kind, metadata }) => kind.endsWith('Policy') && metadata.name === editedPolicy);
  if (policy === undefined) throw new Error(`there is no ${editedPolicy}`);
  const { parentSelector, ...spec } = policy.spec as { parentSelector: readonly object[] };
  const quantity = 7;
  return reviewRequest(
    'validate',
    { ...policy, spec: { ...spec, parentSelector: parentSelector.map((entry) => ({ ...entry, quantity })) } },
    policy,
  );
}

async function editAgain(
  client: ReviewClient,
  edit: ReviewRequest,
  goOn: (done: readonly Edited[]) => boolean,
): Promise<readonly Edited[]> {
  const done: Edited[] = [];
  while (goOn(done)) {
    const begin = performance.now();
    const { allowed, warnings } = await client.send(edit);
    if (!allowed) throw new Error('the edit was denied');
    const isComplete = warnings.some((text) => text.includes(`${size.nodes} nodes change`));
    if (!isComplete && !warnings.some((text) => /time was up/.test(text))) {
      throw new Error(`the edit does not reach the nodes: ${warnings.join('; ')}`);
    }
    done.push({ ms: performance.now() - begin, isComplete });
  }
  return done;
}

/** Returns the medians of the rounds, without the first one, which is a warm-up. */
function compareLoads(loads: Readonly<Record<'edits' | 'peace', readonly Load[]>>): readonly Figure[] {
  const title = `NAD reviews while a policy edit is reviewed, ${connections} connections`;
  const figure = (part: 'perSecond' | 'p50' | 'p99' | 'max', name: string, unit: Figure['unit']): Figure => {
    const of = (each: readonly Load[]) =>
      measurement(
        each.slice(1).map((load) => load[part]),
        0.5,
      );
    return {
      title: `${title}${name}`,
      unit,
      ...of(loads.edits),
      beside: { title: 'without the edit', ...of(loads.peace) },
      ...(part === 'p99' && { reach: { ratioAtMost: 2 } }),
    };
  };
  return [
    figure('perSecond', '', 'per second'),
    figure('p50', ', p50', 'ms'),
    figure('p99', ', p99', 'ms'),
    figure('max', ', slowest', 'ms'),
  ];
}

/**
 * Returns the figures of an edit. The title shows how many reviews covered every node in time. The others ended at the
 * deadline, so for them the figures show the deadline.
 */
function editFigures(alone: readonly Edited[], among: readonly Edited[]): readonly Figure[] {
  const complete = among.filter(({ isComplete }) => isComplete).length;
  return [
    {
      title: `policy edit for ${size.nodes} nodes, reviewed during these reviews, complete ${complete} of ${among.length} times, p50`,
      unit: 'ms',
      ...measurement(
        among.map(({ ms }) => ms),
        0.5,
      ),
      beside: {
        title: `only the edit, complete ${alone.filter(({ isComplete }) => isComplete).length} of ${alone.length} times`,
        ...measurement(
          alone.map(({ ms }) => ms),
          0.5,
        ),
      },
    },
  ];
}
