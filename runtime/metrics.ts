// SPDX-License-Identifier: Apache-2.0
import { Registry } from 'prom-client';

/** A registry of a process's own, so that nothing is counted that nobody passed a recorder to. */
export function createMetrics(): Registry {
  return new Registry();
}
