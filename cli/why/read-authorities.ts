// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import type { ApiObject } from '../../cluster/api/api-object.ts';
import { listIn, textIn } from './fields.ts';

/** When each certificate ends that the API server is told to believe, in milliseconds since the epoch; each once. */
export function readAuthorities(configurations: readonly ApiObject[]): readonly number[] {
  const bundles = configurations.flatMap((configuration) =>
    listIn(configuration, 'webhooks').map((webhook) => textIn(webhook, 'clientConfig', 'caBundle') ?? ''),
  );
  const certificates = [...new Set(bundles)].flatMap((bundle) =>
    Buffer.from(bundle, 'base64')
      .toString('latin1')
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g),
  );
  return [...new Set(certificates)].flatMap((pem) => (pem === null ? [] : endOf(pem)));
}

/** What is no certificate is believed by nobody. */
function endOf(pem: string): readonly number[] {
  try {
    return [new X509Certificate(pem).validToDate.getTime()];
  } catch {
    return [];
  }
}
