// SPDX-License-Identifier: Apache-2.0
import type { CauseRule, Fix } from './cause.ts';
import { isCertificateFault } from './find-certificate-expired.ts';
import { kubectl } from './kubectl.ts';
import type { WhyFacts } from './why-facts.ts';

/** The chart's own number, where nobody knows what it was. */
const usualReplicas = 2;

/**
 * The webhook answers: networks, policies and pods that ask for devices can be made, and others get theirs. That matters
 * to what is still to be made; a node, and a pod that runs, do not need it.
 */
export const findWebhookDown: CauseRule = ({ subject, pod }, facts) => {
  const { webhook, call } = facts;
  if (webhook === undefined || (webhook === 'absent' && facts.plugin === 'absent')) return [];
  const ready = webhook === 'absent' ? 0 : webhook.ready;
  const isRefused = call !== undefined && call !== '' && !isCertificateFault(call);
  if (ready > 0 && !isRefused) return [];
  const standing =
    webhook === 'absent' ? 'there is no Deployment of it' : `${ready} of ${webhook.replicas} pods are Ready`;
  return [
    {
      code: 'WebhookDown',
      isNote: subject.kind === 'node' || pod?.isReady === true,
      detail: `Deployment ${facts.policyNamespace}/kube-macvtap-webhook: ${standing}${isRefused ? `; the API server says: ${call}` : ''}`,
      fix: fixFor(facts),
    },
  ];
};

/** How the webhook is started. */
export function fixFor({ webhook, policyNamespace }: WhyFacts): Fix {
  const place = ['-n', policyNamespace];
  const name = 'deployment/kube-macvtap-webhook';
  if (webhook === 'absent') {
    return {
      text: 'upgrade the release, so that what is missing of it is made',
      commands: [`helm upgrade kube-macvtap charts/kube-macvtap -n ${policyNamespace} --reuse-values`],
    };
  }
  if (webhook?.replicas === 0) {
    return { text: 'start it', commands: [kubectl('scale', name, ...place, `--replicas=${usualReplicas}`)] };
  }
  if (webhook?.ready === 0) {
    return {
      text: 'see what it says, and mend that',
      commands: [kubectl('logs', name, ...place, '--all-pods', '--tail=20')],
    };
  }
  return { text: 'restart it', commands: [kubectl('rollout', 'restart', name, ...place)] };
}
