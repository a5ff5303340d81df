// SPDX-License-Identifier: Apache-2.0
import { nameNodes } from './group-nodes.ts';
import type { Scope } from './scope.ts';
import { networkStep, policyStep, type Step, subjectStep } from './trace-steps.ts';
import type { WhyFacts } from './why-facts.ts';

/** More policies than a person reads. */
const most = 10;

/** What was looked at, for who hears that nothing is wrong. */
export function listChecked(scope: Scope, facts: WhyFacts): readonly Step[] {
  const { subject, networks, policies, nodes } = scope;
  const names = nodes.map(({ name }) => name);
  return [
    subjectStep(scope, facts),
    ...(subject.kind === 'pod' ? networks.map(networkStep) : []),
    ...(subject.kind === 'policy' ? [] : policies.slice(0, most).map(({ id }) => policyStep(id, undefined))),
    ...(subject.kind === 'node' || names.length === 0 ? [] : [{ object: nameNodes(names), says: '' }]),
    { object: 'node plugin', says: pluginSays(names, facts) },
    { object: 'webhook', says: webhookSays(facts) },
  ];
}

function pluginSays(nodes: readonly string[], { plugin }: WhyFacts): string {
  if (plugin === undefined) return 'could not be read';
  if (plugin === 'absent') return 'is not installed';
  const ready = nodes.filter((node) => plugin.pods.get(node)?.isReady === true);
  return `is Ready on ${ready.length} of ${nodes.length} node${nodes.length === 1 ? '' : 's'}`;
}

function webhookSays({ webhook, call, authorities, nowMs }: WhyFacts): string {
  if (webhook === undefined) return 'could not be read';
  if (webhook === 'absent') return 'is not installed';
  const days = authorities === undefined ? undefined : Math.floor((Math.max(0, ...authorities) - nowMs) / 86_400_000);
  const certificate = days === undefined ? '' : `, its certificate is believed for ${days} more days`;
  return `${webhook.ready} of ${webhook.replicas} pods are Ready${call === '' ? ', it answers the API server' : ''}${certificate}`;
}
