// SPDX-License-Identifier: Apache-2.0
import type { StandingEvent } from '../../cluster/report/events/standing-events.ts';
import type { Validity } from './watch-expiry.ts';

/**
 * A certificate that should have been renewed, on the Service that it is of: whoever keeps it, in a Secret of ours or
 * elsewhere, that is the object which an operator knows.
 */
export function expiryEvents(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  overdue: Validity | undefined,
): readonly StandingEvent[] {
  if (overdue === undefined) return [];
  const expires = new Date(overdue.expiresMs).toISOString();
  const note =
    `the certificate of the webhook should have been renewed and was not; no review is answered after ${expires}: ` +
    'the log of the webhook says what stands in the way';
  const regarding = { apiVersion: 'v1', kind: 'Service', namespace, name };
  const event = { type: 'Warning', reason: 'CertificateNotRenewed', action: 'Renew', regarding, note } as const;
  return [{ key: `certificate ${expires}`, event }];
}
