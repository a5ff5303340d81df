// SPDX-License-Identifier: Apache-2.0
import type { CertificateFault } from './faults.ts';
import type { Pair } from './pair.ts';

/** What a server needs, and what a person wants to see. */
export interface ServedPair {
  readonly certPem: string;
  readonly keyPem: string;
  /** @example '23963417E55D37C92E' */
  readonly serial: string;
  readonly notAfter: Date;
}

/** A certificate that follows its store or files. */
export interface ServedCertificate extends AsyncDisposable {
  /** What to serve now; undefined until there was one. */
  readonly current: ServedPair | undefined;
  /** What is wrong now; empty when all is well. */
  readonly faults: readonly CertificateFault[];
  /** Called after `current` or `faults` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export function toServedPair({ certPem, keyPem, serial, notAfterMs }: Pair): ServedPair {
  return { certPem, keyPem, serial, notAfter: new Date(notAfterMs) };
}

/** Those who want to be told. What one of them throws is a bug, and nobody here hides it. */
export function createListeners(): { add(listener: () => void): Disposable; notify(): void } {
  const listeners = new Set<{ readonly call: () => void }>();
  return {
    add(call) {
      const listener = { call };
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    notify() {
      for (const { call } of [...listeners]) call();
    },
  };
}
