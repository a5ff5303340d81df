// SPDX-License-Identifier: Apache-2.0
import type { Mode } from '../plan/mode.ts';

/** The link that a device needs. */
export interface WantedLink {
  readonly name: string;
  readonly ifindex: number;
  readonly parentIfindex: number;
  readonly mode: Mode;
}

/** A link that stands where the wanted one would: by its name or by its index. */
export interface StandingLink {
  readonly name: string;
  readonly ifindex: number;
  readonly kind: string;
  readonly parentIfindex?: number;
  readonly macvtapMode?: string;
  readonly up: boolean;
}

/** What to do: make it, use what stands, remove what stands and make it, or give up because a stranger holds the index. */
export type LinkDecision =
  | { readonly action: 'create' }
  | { readonly action: 'reuse' }
  | { readonly action: 'replace'; readonly remove: readonly StandingLink[] }
  | { readonly action: 'refuse'; readonly holder: StandingLink };

/**
 * Decides over what stands under the wanted link's name and index in the node's namespace. A leftover placeholder that
 * fits is used again, one that does not fit is replaced. Only the device's own leftovers are ever removed: macvtaps of
 * its name. Anything else under the index refuses the device, also the link of another device whose hash happens to give
 * the same index, which a pod may be about to use; so does a stranger under the name that is no macvtap.
 */
export function decideLink(
  wanted: WantedLink,
  byName: StandingLink | undefined,
  byIfindex: StandingLink | undefined,
): LinkDecision {
  if (byName !== undefined && byName.ifindex === byIfindex?.ifindex && fits(wanted, byName)) return { action: 'reuse' };
  const standing = [byName, byIfindex]
    .filter((link) => link !== undefined)
    .filter((link, index, links) => links.findIndex(({ ifindex }) => ifindex === link.ifindex) === index);
  const holder = standing.find((link) => !isLeftover(wanted, link));
  if (holder !== undefined) return { action: 'refuse', holder };
  return standing.length === 0 ? { action: 'create' } : { action: 'replace', remove: standing };
}

/** A placeholder is down: one that is up has been in use, or someone reached for it. */
function fits(wanted: WantedLink, link: StandingLink): boolean {
  return (
    link.kind === 'macvtap' &&
    link.ifindex === wanted.ifindex &&
    link.parentIfindex === wanted.parentIfindex &&
    link.macvtapMode === wanted.mode &&
    !link.up
  );
}

function isLeftover(wanted: WantedLink, link: StandingLink): boolean {
  return link.kind === 'macvtap' && link.name === wanted.name;
}
