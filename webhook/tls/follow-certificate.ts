// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import type { SecureContextOptions, Server } from 'node:tls';
import type { ApiClient } from '../../cluster/api/client.ts';
import { createCaBundlePublisher } from '../../cluster/api/publish-ca-bundle.ts';
import { createSecretStore } from '../../cluster/api/secret-store.ts';
import type { PersistentCondition } from '../../cluster/report/leader/persistent-conditions.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import type { WebhookConfig } from '../config.ts';
import { type ClientCa, tlsDefaults } from './tls-settings.ts';

/** A serving certificate with its chain, and its private key. */
export interface ServingPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A step in the life of a certificate that replicas share. */
export interface CertificateStep {
  /** @example 'publish-next' */
  readonly what: string;
  /** The pair that was made, became current, or is now served. */
  readonly pair: { readonly serial: string; readonly notAfterMs: number } | undefined;
}

/** A source of the serving certificate. The implementations are in certs/. */
export interface CertificateSource {
  /** The pair to serve now, or undefined before the first one. The source has checked it. */
  readonly current: ServingPair | undefined;
  /** The problems of the last check. If there are any, the last good pair stays in use. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
  /** Calls the listener after `current` or `problems` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export interface FollowCertificateOptions {
  readonly server: Pick<Server, 'setSecureContext'>;
  readonly source: CertificateSource;
  /** The protocol versions and cipher suites of the server. */
  readonly tls?: SecureContextOptions;
  /** The CAs that verify clients; undefined if clients need no certificate. */
  readonly clientCa?: Pick<ClientCa, 'current' | 'onChange'> | undefined;
  /** Called when a certificate comes into use, with its validity in milliseconds since the epoch. */
  readonly onServed: (served: {
    readonly startsMs: number;
    readonly expiresMs: number;
    readonly serial: string;
  }) => void;
  /** Called for a pair that the server cannot use. The previous pair then stays in use. */
  readonly onUnusable: (error: MacvtapError) => void;
}

/** The certificate in use. */
export interface FollowedCertificate extends Disposable {
  readonly isLoaded: boolean;
}

/**
 * Loads each new certificate into a server. Open connections keep their certificate. Does not check for expiry: clients
 * do that, and their clock may be more accurate.
 */
export function followCertificate(options: FollowCertificateOptions): FollowedCertificate {
  const { server, source, tls = tlsDefaults, clientCa, onServed, onUnusable } = options;
  let loaded: (ServingPair & { readonly ca: string | undefined }) | undefined;
  const apply = (): void => {
    if (source.current === undefined) return;
    const { certPem, keyPem } = source.current;
    const ca = clientCa?.current;
    if (certPem === loaded?.certPem && keyPem === loaded.keyPem && ca === loaded.ca) return;
    try {
      const { validFromDate, validToDate, serialNumber } = new X509Certificate(certPem);
      server.setSecureContext({ ...tls, cert: certPem, key: keyPem, ...(ca !== undefined && { ca }) });
      loaded = { certPem, keyPem, ca };
      onServed({ startsMs: validFromDate.getTime(), expiresMs: validToDate.getTime(), serial: serialNumber });
    } catch (cause) {
      const { message } = MacvtapError.from(cause);
      onUnusable(
        new MacvtapError('CertificateUnusable', `the new certificate cannot be served: ${message}`, { cause }),
      );
    }
  };
  const following = [source.onChange(apply), clientCa?.onChange(apply)];
  apply();
  return {
    get isLoaded() {
      return loaded !== undefined;
    },
    [Symbol.dispose]() {
      for (const one of following) one?.[Symbol.dispose]();
    },
  };
}

/**
 * Returns the certificate store and the publisher for a webhook that runs in a cluster. All replicas share the
 * certificate in a Secret. The API server reads the CA from the two webhook configurations. `keys` are the keys of the
 * Secret that the webhook manages.
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

/** The validity period of a certificate, in milliseconds since the epoch. */
export interface Validity {
  readonly startsMs: number;
  readonly expiresMs: number;
}

/** Watches whether the certificate in use is overdue for renewal. */
export interface ExpiryWatch extends Disposable {
  /** The certificate in use if it is overdue. Otherwise undefined. */
  readonly overdue: Validity | undefined;
  /** Sets the certificate that is in use from now on. */
  served(certificate: Validity): void;
  /** Calls the listener after `overdue` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export interface ExpiryWatchOptions {
  /** Called at each check while the certificate is overdue, because an operator can easily miss a single log line. */
  readonly onOverdue: (certificate: Validity) => void;
  readonly lookMs?: number;
  readonly now?: () => number;
}

/**
 * A certificate is overdue when less than this share of its validity is left. Certificates from certs/ are due for
 * renewal when a sixth of the validity is left. That is a third of the lifetime: the validity is two lifetimes long,
 * because it begins one lifetime before the certificate is made. cert-manager renews at a third. The alert
 * KubeMacvtapCertificateNotRenewed uses the same share as this constant.
 */
export const overdueShare = 0.1;

const hourMs = 3_600_000;

export function watchExpiry({ onOverdue, lookMs = hourMs, now = Date.now }: ExpiryWatchOptions): ExpiryWatch {
  const listeners = createListeners();
  let inUse: Validity | undefined;
  let overdue: Validity | undefined;
  const look = (): void => {
    const before = overdue;
    overdue = inUse !== undefined && isOverdue(inUse, now()) ? inUse : undefined;
    if (overdue !== undefined) onOverdue(overdue);
    if (overdue !== before) listeners.notify();
  };
  const timer = setInterval(look, lookMs);
  return {
    get overdue() {
      return overdue;
    },
    served(certificate) {
      inUse = certificate;
      look();
    },
    onChange: listeners.add,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function isOverdue({ startsMs, expiresMs }: Validity, nowMs: number): boolean {
  return expiresMs - nowMs < (expiresMs - startsMs) * overdueShare;
}

/**
 * Returns an event for an overdue certificate. Its object is the webhook's Service, because operators know that object.
 */
export function expiryEvents(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  overdue: Validity | undefined,
): readonly PersistentCondition[] {
  if (overdue === undefined) return [];
  const expires = new Date(overdue.expiresMs).toISOString();
  const note =
    'the certificate of the webhook should have been renewed, but was not; ' +
    `after ${expires}, no admission request is answered; the webhook's log has the reason`;
  const regarding = { apiVersion: 'v1', kind: 'Service', namespace, name };
  const event = { type: 'Warning', reason: 'CertificateNotRenewed', action: 'Renew', regarding, note } as const;
  return [{ key: `certificate ${expires}`, event }];
}
