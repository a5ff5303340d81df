// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../api/macvtap-network-node-policy.ts';

/**
 * Prefix of every resource of this project. It is the same as macvtap-cni's, so that users of macvtap-cni can migrate.
 */
export const resourcePrefix = 'macvtap.network.kubevirt.io/';

/** The name part of a Kubernetes qualified name, at most 63 characters; see apimachinery validation.IsQualifiedName. */
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Returns whether a name can follow the prefix in an extended resource's name. */
export function isLegalResourceName(name: string): boolean {
  return namePattern.test(name);
}

type Entry = MacvtapNetworkNodePolicy['spec']['parentSelector'][number];

/** How a macvtap forwards frames to other macvtaps on the same parent, with the names from the policy schema. */
export type Mode = NonNullable<Entry['mode']>;

/** All modes. Type checking fails if the list differs from the schema. */
const modes = { bridge: true, private: true, vepa: true, passthru: true } as const satisfies Record<Mode, true>;

export function isMode(text: string): text is Mode {
  return Object.hasOwn(modes, text);
}

/** The default number of devices, as in macvtap-cni. */
const defaultQuantity = 100;

/**
 * The schema's limit for a policy's quantity. It also applies to the other sources, because kubelet receives all
 * devices in one list, which must stay short.
 */
export const maxQuantity = 4096;

/**
 * Returns the default number of devices on a parent. It is 1 for passthru, where a single device takes the whole
 * parent.
 */
export function quantityFor(mode: Mode): number {
  return mode === 'passthru' ? 1 : defaultQuantity;
}
