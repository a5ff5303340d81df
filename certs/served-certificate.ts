// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createListeners } from '../runtime/listeners.ts';
import { createSleeper } from '../runtime/pause.ts';
import type { Pair } from './certificate-state.ts';
import { watchEvents } from './directory-store.ts';
import { findUnfit, readCertificate } from './serving-pair.ts';

/** The pair that a server uses, with facts for the log. */
export interface ServedPair {
  readonly certPem: string;
  readonly keyPem: string;
  /** @example '23963417E55D37C92E' */
  readonly serial: string;
  readonly notAfter: Date;
}

/** A certificate that is kept up to date with its store or files. */
export interface ServedCertificate extends AsyncDisposable {
  /** The pair to serve now, or undefined before the first one. */
  readonly current: ServedPair | undefined;
  /** The problems of the last check. The list is empty if there are none. */
  readonly problems: readonly CertificateProblem[];
  /** Calls the listener after `current` or `problems` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

/**
 * Every problem that can prevent renewals. During such a problem, the webhook continues to serve its current
 * certificate. Scripts may rely on the codes. docs/reference/webhook.md has the same table.
 */
export const certificateProblemCodes = {
  StoreUnavailable: 'the store of the certificate cannot be read or written',
  StateBroken: 'parts of the stored certificate data are unusable',
  BundleNotPublished: 'the CA could not be published to the API server, which must trust it',
  CertificateNotMade: 'a new certificate could not be created',
  FilesUnusable: 'the certificate files, which another program writes, are unusable',
} as const satisfies Record<string, string>;

export type CertificateProblemCode = keyof typeof certificateProblemCodes;

export interface CertificateProblem {
  readonly code: CertificateProblemCode;
  /** The problem and the next step. */
  readonly message: string;
}

/** Creates a problem from an error or a text. */
export function certificateProblem(code: CertificateProblemCode, thrown: unknown): CertificateProblem {
  return { code, message: thrown instanceof Error ? thrown.message : String(thrown) };
}

export function toServedPair({ certPem, keyPem, serial, notAfterMs }: Pair): ServedPair {
  return { certPem, keyPem, serial, notAfter: new Date(notAfterMs) };
}

/** The result of one check of the store or files, and the time until the next check. */
interface Look {
  readonly current: ServedPair | undefined;
  readonly problems: readonly CertificateProblem[];
  readonly waitMs: number;
  /** Whether an event may end the wait early. */
  readonly mayBeEarlier: boolean;
}

export interface LookOptions {
  /** Checks once. Never rejects. If the signal aborts before the check ends, the result is ignored. */
  readonly look: (signal: AbortSignal) => Promise<Look>;
  /** Each function starts a watch that calls `wake` when something may have changed, until its scope ends. */
  readonly watches: readonly ((wake: () => void) => Disposable | undefined)[];
  /** Ends the checks early. The last certificate stays in use. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks once, and then repeatedly until the result is disposed of or the signal aborts. Disposing waits for a check in
 * progress.
 */
export async function followLooks({ look, watches, signal }: LookOptions): Promise<ServedCertificate> {
  const closing = new AbortController();
  const ending = AbortSignal.any([closing.signal, ...(signal === undefined ? [] : [signal])]);
  const sleeper = createSleeper(ending);
  const listeners = createListeners();
  let latest: Pick<Look, 'current' | 'problems'> = { current: undefined, problems: [] };

  const lookOnce = async (): Promise<Look> => {
    const found = await look(ending);
    if (ending.aborted) return found;
    const isNew = textOf(found) !== textOf(latest);
    latest = found;
    if (isNew) listeners.notify();
    return found;
  };
  const run = async (first: Look): Promise<void> => {
    let last = first;
    while (!ending.aborted) {
      await (last.mayBeEarlier ? sleeper.sleep(last.waitMs) : sleeper.sleepThrough(last.waitMs));
      if (!ending.aborted) last = await lookOnce();
    }
  };

  await using scope = new AsyncDisposableStack();
  for (const watch of watches) scope.use(watch(() => sleeper.wake()));
  const running = run(await lookOnce());
  scope.defer(() => running);
  scope.defer(() => closing.abort());
  const kept = scope.move();
  return {
    get current() {
      return latest.current;
    },
    get problems() {
      return latest.problems;
    },
    onChange: listeners.add,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function textOf({ current, problems }: Pick<Look, 'current' | 'problems'>): string {
  return [current?.certPem, current?.keyPem, ...problems.map(({ message }) => message)].join();
}

export interface FollowFilesOptions {
  /** The directory with `tls.crt` and `tls.key`, such as a mounted Secret of cert-manager. */
  readonly directory: string;
  /** How often the files are read if there is no event. The default is 10 s. */
  readonly pollMs?: number | undefined;
}

/**
 * Follows a certificate that another program writes to files. Publishes no CA. If the files are unusable (incomplete,
 * of two different pairs, or expired), `problems` contains the reason, and the last usable pair stays in use. The
 * promise resolves after the files have been read once.
 */
export function followFiles({ directory, pollMs = 10_000 }: FollowFilesOptions): Promise<ServedCertificate> {
  let current: ServedPair | undefined;
  return followLooks({
    watches: [(wake) => watchEvents(directory, wake)],
    look: async () => {
      try {
        current = await readServedPair(directory);
        return { current, problems: [], waitMs: pollMs, mayBeEarlier: true };
      } catch (thrown) {
        const problems = [certificateProblem('FilesUnusable', thrown)];
        return { current, problems, waitMs: Math.min(pollMs, secondLookMs), mayBeEarlier: true };
      }
    },
  });
}

/**
 * How soon unusable files are read again. Both files are read one after the other, so the writer may have replaced the
 * pair between the two reads.
 */
const secondLookMs = 500;

async function readServedPair(directory: string): Promise<ServedPair> {
  const [certPath, keyPath] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const [certPem, keyPem] = [await readFile(certPath, 'utf8'), await readFile(keyPath, 'utf8')];
  const certificate = readCertificate(certPem);
  if (certificate === undefined) throw new Error(`${certPath} contains no certificate; write one to it`);
  const unfit = findUnfit(certificate, certPem, keyPem);
  if (unfit !== undefined) throw new Error(`${certPath} and ${keyPath} cannot be used: ${unfit}; write a pair to them`);
  const notAfter = certificate.validToDate;
  if (notAfter.getTime() <= Date.now()) {
    throw new Error(`${certPath} expired at ${notAfter.toISOString()}; renew it, or check the clock of the machine`);
  }
  return { certPem, keyPem, serial: certificate.serialNumber, notAfter };
}
