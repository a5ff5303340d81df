// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';

/** Follows which run of kubelet made a socket. */
export interface KubeletAge {
  /** When the run that serves the socket now began, on the clock of `performance.now()`; undefined without a socket. */
  startedAtMs(): Promise<number | undefined>;
}

/**
 * A run that was there already at the first look is as old as its socket; each later one begins when it is first seen,
 * so that a step of the wall clock makes no run older than it is.
 */
export function followKubeletAge(socketPath: string): KubeletAge {
  let seen: { readonly run: string; readonly startedAtMs: number } | undefined;
  return {
    startedAtMs: async () => {
      const socket = await stat(socketPath, { bigint: true }).catch(() => undefined);
      if (socket === undefined) return undefined;
      const run = `${socket.dev}:${socket.ino}:${socket.ctimeNs}`;
      if (seen?.run !== run) {
        const ageMs = seen === undefined ? Math.max(0, Date.now() - Number(socket.ctimeMs)) : 0;
        seen = { run, startedAtMs: performance.now() - ageMs };
      }
      return seen.startedAtMs;
    },
  };
}
