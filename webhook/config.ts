// SPDX-License-Identifier: Apache-2.0
import { commonFlags, exposureFlags, sourceFlags } from '../cluster/common-flags.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { choiceFlag, durationFlag, textFlag } from '../runtime/flag-types.ts';
import type { CommandLine, Flag, FlagValues } from '../runtime/flags.ts';
import { listenFlag } from '../runtime/listen-address.ts';

export const webhookLine = {
  command: 'kube-macvtap-webhook',
  summary: 'Fills in and checks networks, pods and policies as they are written to the API server.',
  positionals: [],
  flags: {
    ...sourceFlags,
    listen: listenFlag('where reviews are answered, over TLS', '127.0.0.1:8443'),
    'metrics-listen': listenFlag('where /healthz, /readyz and /metrics are answered, in plain HTTP', '127.0.0.1:9443'),
    certificates: choiceFlag(
      ['self', 'files'],
      'who keeps the serving certificate: this program, or somebody else in files',
      'self',
    ),
    'cert-dir': textFlag(
      'DIR',
      'files: holds tls.crt and tls.key; self without an API server: where they are kept, and ca.crt beside them',
      '/var/lib/kube-macvtap-webhook',
    ),
    'certificate-lifetime': durationFlag('self: for how long a certificate is valid', '365d'),
    'certificate-renew-before': durationFlag(
      'self: how long before its end a certificate is renewed; a third of its life where nobody says',
    ),
    'certificate-overlap': durationFlag(
      'self: for how long a new authority must have been published before its certificate is served',
      '10m',
    ),
    'service-name': textFlag('NAME', 'the Service by which the API server reaches it', 'kube-macvtap-webhook'),
    'secret-name': textFlag(
      'NAME',
      'self in a cluster: the Secret that its replicas share',
      'kube-macvtap-webhook-tls',
    ),
    'lease-name': textFlag(
      'NAME',
      'in a cluster: the Lease that one of its replicas holds, who alone writes the status of policies and events',
      'kube-macvtap-webhook',
    ),
    'webhook-configuration': textFlag(
      'NAME',
      'self in a cluster: of both configurations, mutating and validating, whose caBundle it writes',
      'webhook.macvtap.network.kubevirt.io',
    ),
    'unknown-resource': choiceFlag(
      ['Deny', 'Warn', 'Allow'],
      'what becomes of a network whose resource nobody offers',
      'Deny',
    ),
    'multus-namespace': textFlag('NAME', "where Multus looks for a pod's default network", 'kube-system'),
    drain: durationFlag('for how long reviews are still answered after SIGTERM, until no more are sent', '0s'),
    ...exposureFlags,
    ...commonFlags,
  },
} as const satisfies CommandLine<Record<string, Flag<unknown>>>;

export type WebhookConfig = FlagValues<(typeof webhookLine)['flags']>;

/** How self-made certificates are renewed. Raises InvalidFlags for times that leave no room for a renewal. */
export function readCertificateSettings(config: WebhookConfig) {
  const lifetimeMs = config['certificate-lifetime'];
  const renewBeforeMs = config['certificate-renew-before'] ?? lifetimeMs / 3;
  const overlapMs = config['certificate-overlap'];
  const dueAfterMs = lifetimeMs - renewBeforeMs;
  if (overlapMs >= Math.min(renewBeforeMs, dueAfterMs) || dueAfterMs < 1_000) {
    throw new MacvtapError(
      'InvalidFlags',
      '--certificate-overlap must be shorter than --certificate-renew-before, and than what that leaves of --certificate-lifetime: ' +
        `given are ${overlapMs} ms, ${renewBeforeMs} ms and ${lifetimeMs} ms`,
    );
  }
  return { lifetimeMs, renewBeforeMs, overlapMs };
}
