// SPDX-License-Identifier: Apache-2.0
import { offerTable } from './offer-table.ts';
import type { Scene } from './story.ts';

/** A plan arrives as several messages, from three hosts: they are told together. */
const quietMs = 300;

/** Prints the table whenever a kubelet learns something new, until the signal ends it. */
export async function followEdits(
  { manifests, staged }: Scene,
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  print(`Edit ${manifests}/policy.yaml and watch what the kubelets learn; Ctrl-C ends.`);
  print('Look at it in another terminal, from the root of this repository:\n');
  for (const what of ['status', 'plan', `graph -o ${manifests}/graph.svg`])
    print(`  npx kubectl-macvtap ${what} --source manifests:${manifests}`);
  print('');
  let shown = offerTable(staged);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    const table = offerTable(staged);
    if (table !== shown) print(`${table}\n`);
    shown = table;
  }, quietMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted) await ended;
  clearInterval(timer);
}
