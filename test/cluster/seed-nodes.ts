// SPDX-License-Identifier: Apache-2.0
import type { NodeSpec } from './layout.ts';

const aware = { macvtapAware: 'true' } as const;

/** The three hosts of the API proposal (test/fixtures/seed). */
export const seedNodes: readonly NodeSpec[] = [
  { name: 'h1', labels: aware, interfaces: ['bond1', 'eth0', 'eth1'] },
  { name: 'h2', labels: aware, interfaces: ['bond1', 'ens3', 'ens4', 'ens5', 'ens6'] },
  { name: 'h3', labels: {}, interfaces: ['eth0', 'eth1'] },
];
