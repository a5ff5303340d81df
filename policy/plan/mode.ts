// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../api/macvtap-network-node-policy.ts';

type Entry = MacvtapNetworkNodePolicy['spec']['parentSelector'][number];

/** How a macvtap treats its siblings, as the schema of a policy names it. */
export type Mode = NonNullable<Entry['mode']>;

/** Every mode; the type makes the compiler compare it with the schema. */
const modes = { bridge: true, private: true, vepa: true, passthru: true } as const satisfies Record<Mode, true>;

export function isMode(text: string): text is Mode {
  return Object.hasOwn(modes, text);
}

/** Upstream's capacity, and the proposal's, where nobody says a number. */
const defaultQuantity = 100;

/** The schema's bound on a policy's quantity, held for the other sources too: kubelet is told of every single device. */
export const maxQuantity = 4096;

/** How many devices a parent of this mode gets where nobody says: passthru takes the whole parent for one. */
export function quantityFor(mode: Mode): number {
  return mode === 'passthru' ? 1 : defaultQuantity;
}
