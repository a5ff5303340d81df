// SPDX-License-Identifier: Apache-2.0
import type { Links } from './links.ts';
import { probeMacvtap } from './probe-macvtap.ts';

/** Whether the kernel can make a macvtap. */
export interface MacvtapSupport extends AsyncDisposable {
  readonly isThere: boolean;
  /** Called when it came, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export interface MacvtapSupportOptions {
  readonly links: Pick<Links, 'createMacvtap'>;
  readonly signal: AbortSignal;
  readonly lookMs?: number;
}

/** A person who loads a module waits for what comes of it; to look costs the kernel a message. */
const defaultLookMs = 5_000;

/**
 * Looks whether the kernel has macvtap and, where it has not, again until somebody has loaded the module; one that is
 * there stays, for all that a probe can tell: the kernel loads it again by itself. Raises `MissingCapability` and what
 * else creation raises.
 */
export async function watchMacvtapSupport(options: MacvtapSupportOptions): Promise<MacvtapSupport> {
  const { links, signal, lookMs = defaultLookMs } = options;
  let isThere = await probeMacvtap(links, signal);
  const listeners = new Set<() => void>();
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    // What else may be wrong says nothing of the kernel's support.
    const found = await probeMacvtap(links, signal).catch(() => false);
    if (!found || isThere || signal.aborted) return;
    isThere = true;
    clearInterval(timer);
    for (const listener of listeners) listener();
  };
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, lookMs);
  if (isThere) clearInterval(timer);
  return {
    get isThere() {
      return isThere;
    },
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}
