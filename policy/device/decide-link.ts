// SPDX-License-Identifier: Apache-2.0
import type { Mode } from '../plan/resource.ts';

/** The link that a device needs. */
export interface WantedLink {
  readonly name: string;
  readonly ifindex: number;
  readonly parentIfindex: number;
  readonly mode: Mode;
}

/** An existing link that has the wanted link's name or index. */
export interface ExistingLink {
  readonly name: string;
  readonly ifindex: number;
  readonly kind: string;
  readonly parentIfindex?: number;
  readonly macvtapMode?: string;
  readonly up: boolean;
}

/**
 * The decision about a link: create it, reuse the existing one, replace existing ones, or refuse because another link
 * has the name or index.
 */
export type LinkDecision =
  | { readonly action: 'create' }
  | { readonly action: 'reuse' }
  | { readonly action: 'replace'; readonly remove: readonly ExistingLink[] }
  | { readonly action: 'refuse'; readonly holder: ExistingLink };

/**
 * Decides what to do about existing links that have the wanted link's name or index, in the node's network namespace.
 * One of them may be the device's placeholder: the link that Allocate created earlier. The placeholder is reused if it
 * fits, and replaced otherwise.
 *
 * Only a macvtap that has the device's own link name is removed. If any other link has the name or the index, the
 * decision is to refuse. That link may belong to another device whose hash gives the same index, and a pod may be about
 * to use it.
 */
export function decideLink(
  wanted: WantedLink,
  byName: ExistingLink | undefined,
  byIfindex: ExistingLink | undefined,
): LinkDecision {
  if (byName !== undefined && byName.ifindex === byIfindex?.ifindex && fits(wanted, byName)) return { action: 'reuse' };
  const existing = [byName, byIfindex]
    .filter((link) => link !== undefined)
    .filter((link, index, links) => links.findIndex(({ ifindex }) => ifindex === link.ifindex) === index);
  const holder = existing.find((link) => !isLeftover(wanted, link));
  if (holder !== undefined) return { action: 'refuse', holder };
  return existing.length === 0 ? { action: 'create' } : { action: 'replace', remove: existing };
}

/** Returns whether a link can serve as the placeholder. A link that is up cannot: a pod uses it or has used it. */
function fits(wanted: WantedLink, link: ExistingLink): boolean {
  return (
    link.kind === 'macvtap' &&
    link.ifindex === wanted.ifindex &&
    link.parentIfindex === wanted.parentIfindex &&
    link.macvtapMode === wanted.mode &&
    !link.up
  );
}

function isLeftover(wanted: WantedLink, link: ExistingLink): boolean {
  return link.kind === 'macvtap' && link.name === wanted.name;
}
