// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { lintFiles } from '../../cli/lint/lint-files.ts';
import { offerTable } from './offer-table.ts';
import { demoLinkKinds } from './stage.ts';
import type { Scene } from './story.ts';

/** How long to collect messages. A plan arrives as several messages from three hosts, which are printed together. */
const quietMs = 300;

const lintOptions = {
  policyNamespace: 'macvtap-cni',
  multusNamespace: 'kube-system',
  unknownResource: 'Allow',
} as const;

/**
 * Prints the table whenever a kubelet receives a change, until `signal` aborts. After an edit that makes the policy
 * invalid, it prints the errors and the resources that stay.
 */
export async function followEdits(
  { manifests, staged }: Scene,
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const file = `${manifests}/policy.yaml`;
  print(`Edit ${file} and watch what the kubelets receive; Ctrl-C ends.`);
  print('In another terminal, run these in the root of this repository:\n');
  for (const what of ['status', `plan --link-kinds ${demoLinkKinds}`, `graph -o ${manifests}/graph.svg`])
    print(`  node cli/launch.js ${what} --source manifests:${manifests}`);
  print('');
  let shown = offerTable(staged);
  let policy = await readFile(file, 'utf8');
  const look = async () => {
    const text = await readFile(file, 'utf8').catch(() => policy);
    if (text !== policy) {
      policy = text;
      const errors = errorsOf(text);
      for (const error of errors) print(error);
      if (errors.length > 0) print(`still in force:\n${offerTable(staged)}\n`);
    }
    const table = offerTable(staged);
    if (table !== shown) print(`${table}\n`);
    shown = table;
  };
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => void look(), quietMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted) await ended;
  clearInterval(timer);
}

/**
 * Returns the errors of the policy file as `kubectl macvtap lint` reports them: `error: policy.yaml:7: UnknownMode …`.
 */
function errorsOf(text: string): readonly string[] {
  return lintFiles([{ name: 'policy.yaml', isNamed: true, content: { text } }], lintOptions)
    .findings.filter(({ severity }) => severity === 'error')
    .map(({ line, code, path, message }) => `error: policy.yaml:${line}: ${code} ${path}: ${message}`);
}
