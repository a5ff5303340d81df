// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from '../cause.ts';
import { isCertificateError } from '../why-facts.ts';
import { startWebhook } from './find-webhook-down.ts';

/**
 * Checks that the API server trusts the webhook's certificate. Uses the API server's error and the caBundle of the
 * webhook configurations. The serving certificate is not checked, because few users may read its Secret.
 */
export const findCertificateExpired: CauseRule = ({ subject, pod }, facts) => {
  const { authorities, call, nowMs, webhook } = facts;
  const isOver = authorities !== undefined && authorities.length > 0 && authorities.every((endMs) => endMs <= nowMs);
  const isUntrusted = call !== undefined && isCertificateError(call);
  // The webhook publishes the caBundle when it starts. So a missing caBundle is an error only while a webhook pod is
  // Ready.
  const isUnpublished = authorities?.length === 0 && webhook !== undefined && webhook !== 'absent' && webhook.ready > 0;
  if (!isOver && !isUntrusted && !isUnpublished) return [];
  const detail = [
    ...(isOver ? ['every CA certificate in the caBundle of the webhook configurations has expired'] : []),
    ...(isUnpublished ? ['the webhook configurations have no caBundle'] : []),
    ...(isUntrusted ? [`the API server reports: ${call}`] : []),
  ].join('; ');
  return [
    {
      code: 'CertificateExpired',
      isNote: subject.kind === 'node' || pod?.isReady === true,
      detail,
      fix: startWebhook(facts),
    },
  ];
};
