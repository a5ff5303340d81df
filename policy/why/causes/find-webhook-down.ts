// SPDX-License-Identifier: Apache-2.0
import type { CauseRule, Fix } from '../cause.ts';
import { kubectl, quoteForShell, selectComponent } from '../suggested-commands.ts';
import { isCertificateError, type WhyFacts } from '../why-facts.ts';

/** The webhook's default number of replicas in the chart. If it was scaled to 0, the previous number is unknown. */
const usualReplicas = 2;

/**
 * Checks that the webhook responds. Without it, networks, policies and pods that request devices cannot be created.
 * Existing nodes and running pods do not need it.
 */
export const findWebhookDown: CauseRule = ({ subject, pod }, facts) => {
  const { webhook, call } = facts;
  if (webhook === undefined || (webhook === 'absent' && facts.plugin === 'absent')) return [];
  const ready = webhook === 'absent' ? 0 : webhook.ready;
  const isRefused = call !== undefined && call !== '' && !isCertificateError(call);
  if (ready > 0 && !isRefused) return [];
  const state =
    webhook === 'absent'
      ? `namespace ${facts.policyNamespace} has no Deployment of the webhook`
      : `Deployment ${facts.policyNamespace}/${webhook.name}: ${ready} of ${webhook.replicas} pods are Ready`;
  return [
    {
      code: 'WebhookDown',
      isNote: subject.kind === 'node' || pod?.isReady === true,
      detail: `${state}${isRefused ? `; the API server reports: ${call}` : ''}`,
      fix: startWebhook(facts),
    },
  ];
};

/** Returns the fix that starts the webhook. */
export function startWebhook({ webhook, plugin, policyNamespace }: WhyFacts): Fix {
  const place = ['-n', policyNamespace];
  if (webhook === 'absent') {
    const release = plugin === 'absent' ? undefined : plugin?.release;
    return {
      text: 'upgrade the release, which creates the missing Deployment',
      commands: [
        release === undefined
          ? `helm list --namespace ${policyNamespace}`
          : `helm upgrade ${quoteForShell(release)} charts/kube-macvtap --namespace ${policyNamespace} --reset-then-reuse-values`,
      ],
    };
  }
  if (webhook === undefined) {
    const command = kubectl('rollout', 'restart', 'deployment', ...selectComponent('webhook'), ...place);
    return { text: 'restart the webhook', commands: [command] };
  }
  const name = `deployment/${webhook.name}`;
  if (webhook.replicas === 0) {
    return {
      text: 'scale up the webhook',
      commands: [kubectl('scale', name, ...place, `--replicas=${usualReplicas}`)],
    };
  }
  if (webhook.ready === 0) {
    return {
      text: 'fix the error in the log of the webhook',
      commands: [kubectl('logs', name, ...place, '--all-pods', '--tail=20')],
    };
  }
  return { text: 'restart the webhook', commands: [kubectl('rollout', 'restart', name, ...place)] };
}
