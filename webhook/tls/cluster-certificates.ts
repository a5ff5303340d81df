// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from '../../cluster/api/client.ts';
import { createCaBundlePublisher } from '../../cluster/api/publish-ca-bundle.ts';
import { createSecretStore } from '../../cluster/api/secret-store.ts';
import type { WebhookConfig } from '../config.ts';

/**
 * Where the certificate of a webhook in a cluster is kept, for all of its replicas: a Secret; and where the API server
 * learns whom to believe: its two configurations. `keys` are those of the Secret that are ours.
 */
export function clusterCertificates(client: ApiClient, config: WebhookConfig, keys: readonly string[]) {
  const { namespace, 'secret-name': secret, 'webhook-configuration': name } = config;
  return {
    store: createSecretStore({ client, namespace, name: secret, keys }),
    publisher: createCaBundlePublisher({
      client,
      configurations: [
        { kind: 'MutatingWebhookConfiguration', name },
        { kind: 'ValidatingWebhookConfiguration', name },
      ],
    }),
  };
}
