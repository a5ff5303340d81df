// SPDX-License-Identifier: Apache-2.0
import { commonFlags, exposureFlags, sourceFlags } from '../cluster/cluster-flags.ts';
import { MacvtapError } from '../runtime/errors.ts';
import {
  type CommandLine,
  choiceFlag,
  countFlag,
  durationFlag,
  type Flag,
  type FlagValues,
  listFlag,
  textFlag,
} from '../runtime/flags.ts';
import { listenFlag } from '../runtime/listen-address.ts';
import { usualLimits } from './intake/limits.ts';
import { cipherSuitesFlag, tlsVersions } from './tls/tls-settings.ts';

export const webhookLine = {
  command: 'kube-macvtap-webhook',
  summary: 'Sets defaults of networks, pods and policies, and validates them, when they are written to the API server.',
  positionals: [],
  examples: [
    {
      purpose: 'Serve the cluster of the pod that it runs in, as the chart does',
      command: 'kube-macvtap-webhook --listen :8443 --metrics-listen :9443',
    },
    {
      purpose: 'Serve with a certificate that cert-manager renews',
      command: 'kube-macvtap-webhook --listen :8443 --certificates files --cert-dir /etc/kube-macvtap/certificate',
    },
  ],
  flags: {
    ...sourceFlags,
    listen: listenFlag('the address for admission requests, over TLS', '127.0.0.1:8443'),
    'metrics-listen': listenFlag('the address of /healthz, /readyz and /metrics, over plain HTTP', '127.0.0.1:9443'),
    certificates: choiceFlag(
      ['self', 'files'],
      'source of the serving certificate: with self, the webhook creates and renews it; with files, it is read from --cert-dir',
      'self',
    ),
    'cert-dir': textFlag(
      'DIR',
      'with files: the directory that contains tls.crt and tls.key; with self and no API server: the directory in which the certificate and ca.crt are stored',
      '/var/lib/kube-macvtap-webhook',
    ),
    'certificate-lifetime': durationFlag('with self: the lifetime of a certificate', '365d'),
    'certificate-renew-before': durationFlag(
      'with self: how long before its expiry a certificate is renewed (default: a third of its lifetime)',
    ),
    'certificate-overlap': durationFlag(
      'with self: how long a new CA is published before its certificate is served',
      '10m',
    ),
    'service-name': textFlag(
      'NAME',
      'the Service through which the API server calls the webhook',
      'kube-macvtap-webhook',
    ),
    'secret-name': textFlag(
      'NAME',
      'with self in a cluster: the Secret in which all replicas share the certificate',
      'kube-macvtap-webhook-tls',
    ),
    'lease-name': textFlag(
      'NAME',
      'in a cluster: the Lease whose holder writes the status of policies, and events',
      'kube-macvtap-webhook',
    ),
    dra: choiceFlag(
      ['On', 'Off'],
      'in a cluster: whether nodes may use dynamic resource allocation; if On, the Lease holder keeps a DeviceClass for each resource, and claims are reviewed',
      'Off',
    ),
    'webhook-configuration': textFlag(
      'NAME',
      'with self in a cluster: the name of the mutating and the validating webhook configuration, in which the webhook writes the caBundle',
      'webhook.macvtap.network.kubevirt.io',
    ),
    'unknown-resource': choiceFlag(
      ['Deny', 'Warn', 'Allow'],
      'the verdict on a network whose resource no policy or node offers',
      'Deny',
    ),
    'multus-namespace': textFlag(
      'NAME',
      "the namespace in which Multus looks for a pod's default network",
      'kube-system',
    ),
    'client-ca-file': textFlag(
      'FILE',
      'a PEM file of CAs; only clients with a certificate from one of these CAs are accepted; changes of the file take effect at once',
    ),
    'client-names': listFlag(
      'NAMES',
      'with --client-ca-file: common names of the accepted clients; empty accepts all',
      '',
    ),
    'tls-min-version': choiceFlag(tlsVersions, 'the oldest version of TLS that --listen accepts', 'VersionTLS12'),
    'tls-cipher-suites': cipherSuitesFlag(
      'cipher suites of TLS 1.2, by their IANA or OpenSSL names; empty: the defaults of Node.js',
    ),
    'max-connections': countFlag('the limit of connections of all clients together', usualLimits.connections),
    'max-client-connections': countFlag(
      'the limit of connections of one client: an IPv4 address, or the /64 of an IPv6 address',
      usualLimits.clientConnections,
    ),
    drain: durationFlag(
      'how long the webhook continues to answer requests after SIGTERM, because API servers still send requests for a short time',
      '0s',
    ),
    ...exposureFlags,
    ...commonFlags,
  },
} as const satisfies CommandLine<Record<string, Flag<unknown>>>;

export type WebhookConfig = FlagValues<(typeof webhookLine)['flags']>;

/**
 * Returns the lifetime, renewal and overlap times of certificates that the webhook makes. Raises InvalidFlags if they
 * leave no room for a renewal.
 */
export function readCertificateSettings(config: WebhookConfig) {
  const lifetimeMs = config['certificate-lifetime'];
  const renewBeforeMs = config['certificate-renew-before'] ?? lifetimeMs / 3;
  const overlapMs = config['certificate-overlap'];
  const dueAfterMs = lifetimeMs - renewBeforeMs;
  if (overlapMs >= Math.min(renewBeforeMs, dueAfterMs) || dueAfterMs < 1_000) {
    throw new MacvtapError(
      'InvalidFlags',
      '--certificate-overlap must be shorter than --certificate-renew-before, and shorter than --certificate-lifetime ' +
        `minus --certificate-renew-before: they are ${overlapMs} ms, ${renewBeforeMs} ms and ${lifetimeMs} ms`,
    );
  }
  return { lifetimeMs, renewBeforeMs, overlapMs };
}
