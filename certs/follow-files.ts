// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertificateFault, certificateFault } from './faults.ts';
import { findUnfit, readCertificate } from './read-pair.ts';
import { createListeners, type ServedCertificate, type ServedPair } from './served-certificate.ts';
import { createSleeper } from './sleeper.ts';
import { watchEvents } from './watch-events.ts';

export interface FollowFilesOptions {
  /** Holds `tls.crt` and `tls.key`, as cert-manager's Secret does when it is mounted. */
  readonly directory: string;
  /** The backup for events that do not come; default 10 s. */
  readonly pollMs?: number | undefined;
}

/**
 * Follows a certificate that somebody else keeps, and publishes nothing: that is theirs too. Files that cannot be used (half of
 * them is written, they belong to different pairs, the certificate is expired) are told as a fault, and what was loaded
 * before is served on. Has looked once when it returns.
 */
export async function followFiles({ directory, pollMs = 10_000 }: FollowFilesOptions): Promise<ServedCertificate> {
  const closing = new AbortController();
  const sleeper = createSleeper(closing.signal);
  const listeners = createListeners();
  let current: ServedPair | undefined;
  let faults: readonly CertificateFault[] = [];

  const look = async (): Promise<void> => {
    const before = [current?.certPem, current?.keyPem, faults[0]?.message].join();
    try {
      current = await readServedPair(directory);
      faults = [];
    } catch (thrown) {
      faults = [certificateFault('FilesUnusable', thrown)];
    }
    if (closing.signal.aborted) return;
    if (before !== [current?.certPem, current?.keyPem, faults[0]?.message].join()) listeners.notify();
  };
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      // Two files are read one after the other, and the pair may be replaced in between.
      await sleeper.sleep(faults.length === 0 ? pollMs : Math.min(pollMs, secondLookMs));
      if (!closing.signal.aborted) await look();
    }
  };

  await using scope = new AsyncDisposableStack();
  scope.use(watchEvents(directory, () => sleeper.wake()));
  await look();
  const running = run();
  scope.defer(() => running);
  scope.defer(() => closing.abort());
  const kept = scope.move();
  return {
    get current() {
      return current;
    },
    get faults() {
      return faults;
    },
    onChange: listeners.add,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const secondLookMs = 500;

async function readServedPair(directory: string): Promise<ServedPair> {
  const [certPath, keyPath] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const [certPem, keyPem] = [await readFile(certPath, 'utf8'), await readFile(keyPath, 'utf8')];
  const certificate = readCertificate(certPem);
  if (certificate === undefined) throw new Error(`${certPath} holds no certificate; put one there`);
  const unfit = findUnfit(certificate, certPem, keyPem);
  if (unfit !== undefined) throw new Error(`${certPath} and ${keyPath} cannot be used: ${unfit}; put a pair there`);
  const notAfter = certificate.validToDate;
  if (notAfter.getTime() <= Date.now()) {
    throw new Error(`${certPath} expired at ${notAfter.toISOString()}; renew it, or see whether the clock is right`);
  }
  return { certPem, keyPem, serial: certificate.serialNumber, notAfter };
}
