// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from './cause.ts';
import { fixFor } from './find-webhook-down.ts';

/**
 * The API server believes the webhook's certificate. That is seen in what it says when it calls the webhook, and in the
 * certificates that it is told to believe: the serving one lies in a Secret that few may read, and never outlives its
 * authority.
 */
export const findCertificateExpired: CauseRule = ({ subject, pod }, facts) => {
  const { authorities, call, nowMs, webhook } = facts;
  const isOver = authorities !== undefined && authorities.length > 0 && authorities.every((endMs) => endMs <= nowMs);
  const isDisbelieved = call !== undefined && isCertificateFault(call);
  // One that does not run publishes none, and does as soon as it does.
  const isUnpublished = authorities?.length === 0 && webhook !== undefined && webhook !== 'absent' && webhook.ready > 0;
  if (!isOver && !isDisbelieved && !isUnpublished) return [];
  const detail = [
    ...(isOver ? ['every authority in the caBundle of its configurations has expired'] : []),
    ...(isUnpublished ? ['its configurations have no caBundle'] : []),
    ...(isDisbelieved ? [`the API server says: ${call}`] : []),
  ].join('; ');
  return [
    {
      code: 'CertificateExpired',
      isNote: subject.kind === 'node' || pod?.isReady === true,
      detail,
      fix: fixFor(facts),
    },
  ];
};

/** Whether a failed call came as far as the certificate. Source: crypto/x509 verify.go, whose errors all begin so. */
export function isCertificateFault(text: string): boolean {
  return text.includes('x509:');
}
