// SPDX-License-Identifier: Apache-2.0
import { isIPv6 } from 'node:net';

/** A CA that clients must trust. Its key signed a single certificate and was then discarded. */
export interface Authority {
  /** A single PEM certificate as OpenSSL writes it, with a final newline. */
  readonly pem: string;
  readonly notAfterMs: number;
}

/**
 * A serving certificate and its key. They were checked: the key belongs to the certificate, and the CA signed the
 * certificate.
 */
export interface Pair {
  /** The certificate, followed by intermediate certificates if there are any. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly authority: Authority;
  /** The serial number in upper-case hexadecimal, as in X509Certificate. @example '23963417E55D37C92E' */
  readonly serial: string;
  /** The time from which both the certificate and its CA are valid, in milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** When the certificate or its CA expires, whichever is earlier, in milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** DNS names in lower case, and IP addresses as `canonicalName` writes them. */
  readonly names: readonly string[];
}

/** The state that all replicas share, as the Secret or the directory stores it. */
export interface CertificateState {
  /** The pair to serve. */
  readonly current?: Pair;
  /** The pair to serve after all clients have had time to trust its CA. */
  readonly next?: Pair;
  /** The CAs of earlier pairs. A replica may still serve one of these pairs. */
  readonly older: readonly Authority[];
}

/** Returns every CA of a state, without duplicates. */
export function authoritiesOf({ current, next, older }: CertificateState): readonly Authority[] {
  const all = [current?.authority, next?.authority, ...older].filter((authority) => authority !== undefined);
  return [...new Map(all.map((authority) => [authority.pem, authority])).values()];
}

/**
 * Returns all CAs that clients must trust, as one PEM text. The order depends only on the CAs. All replicas therefore
 * write the same text, and a switch to the next pair does not change the text.
 */
export function bundleOf(state: CertificateState): string {
  const ordered = authoritiesOf(state).toSorted((a, b) => a.notAfterMs - b.notAfterMs || (a.pem < b.pem ? -1 : 1));
  return ordered.map(({ pem }) => pem).join('');
}

export interface ServiceName {
  readonly name: string;
  readonly namespace: string;
  /** @example 'cluster.local' */
  readonly clusterDomain?: string;
}

/**
 * Returns the names of a Service. The API server uses `<name>.<namespace>.svc`. The other names are for people and
 * their tools.
 */
export function serviceNames({ name, namespace, clusterDomain = 'cluster.local' }: ServiceName): readonly string[] {
  const qualified = `${name}.${namespace}.svc`;
  return [qualified, `${qualified}.${clusterDomain}`, `${name}.${namespace}`, name];
}

/** Returns whether the certificate is valid for all wanted names. A wildcard matches only itself. */
export function coversNames({ names }: Pick<Pair, 'names'>, wanted: readonly string[]): boolean {
  return wanted.every((name) => names.includes(canonicalName(name)));
}

/** Returns the canonical spelling of a name: lower case, and RFC 5952 for an IPv6 address. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return isIPv6(lower) && URL.canParse(`http://[${lower}]`)
    ? new URL(`http://[${lower}]`).hostname.slice(1, -1)
    : lower;
}

/**
 * Joins both lists, up to a limit. During a rollout, old and new replicas may want different names. They then share one
 * certificate with the names of both, instead of replacing each other's certificate.
 */
export function joinNames(wanted: readonly string[], others: readonly string[]): readonly string[] {
  const all = new Set([...wanted.map(canonicalName), ...others.map(canonicalName)]);
  return [...all].slice(0, Math.max(maxNames, wanted.length));
}

/** Enough for eight names (the four of a Service before and after a rename) and eight addresses. */
const maxNames = 16;

/** The times of a certificate's life and renewal, in milliseconds. */
export interface RenewalSettings {
  readonly lifetimeMs: number;
  /** A new pair is made when the old one has this much time left. */
  readonly renewBeforeMs: number;
  /** How long a new CA must be published before its certificate is served. */
  readonly overlapMs: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/**
 * Fills in defaults: a lifetime of a year, renewal after two thirds of the lifetime, and an overlap of ten minutes.
 * Throws a RangeError for times with which renewal fails:
 *
 * - A certificate could expire before its successor may be served.
 * - A successor could be due for renewal before it may be served. No successor would then ever be served.
 */
export function renewalSettings(given: Partial<RenewalSettings> = {}): RenewalSettings {
  const lifetimeMs = given.lifetimeMs ?? 365 * dayMs;
  const settings = { lifetimeMs, renewBeforeMs: lifetimeMs / 3, overlapMs: 10 * minuteMs, ...given };
  const { renewBeforeMs, overlapMs } = settings;
  // At least a second must pass before a renewal is due, because certificates have times in whole seconds.
  const dueAfterMs = lifetimeMs - renewBeforeMs;
  const isOverlapping = overlapMs >= 0 && overlapMs < renewBeforeMs && overlapMs < dueAfterMs;
  if (!(isOverlapping && dueAfterMs >= 1_000 && lifetimeMs <= maxMs)) {
    throw new RangeError(
      `a certificate that lives ${lifetimeMs} ms cannot be renewed ${renewBeforeMs} ms before its end with an overlap of ` +
        `${overlapMs} ms: the overlap must be shorter than the time before the renewal and the time after it, ` +
        'and the lifetime must be at most 10 years',
    );
  }
  return settings;
}

const maxMs = 10 * 365 * dayMs;

/** The two clocks of a machine. */
export interface Clock {
  /** Milliseconds since the epoch on the wall clock, which may jump in both directions. */
  readonly wallMs: () => number;
  /** Milliseconds since an arbitrary moment. This clock never jumps. It stops while the machine is suspended. */
  readonly steadyMs: () => number;
}

export const systemClock: Clock = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/** The earliest and latest possible true time. They are equal until the wall clock jumps. */
export interface TimeSpan {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * Returns a function that compares both clocks since the process started. If they differ, the wall clock was set, and
 * either the old or the new time may be wrong. Decisions about renewals use the later time, because an early renewal is
 * harmless. Decisions about expiry use the earlier time.
 */
export function createTimeSpan(clock: Clock): () => TimeSpan {
  const begin = clock.wallMs() - clock.steadyMs();
  return () => {
    const [wallMs, steadyMs] = [clock.wallMs(), begin + clock.steadyMs()];
    return { earliestMs: Math.min(wallMs, steadyMs), latestMs: Math.max(wallMs, steadyMs) };
  };
}
