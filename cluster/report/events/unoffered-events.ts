// SPDX-License-Identifier: Apache-2.0

import { resourceAnnotation } from '../../../policy/nad/read-nad.ts';
import { nearestNames } from '../../../policy/nearest-names.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import { isLegalResourceName, resourcePrefix } from '../../../policy/plan/resource-name.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { StandingEvent } from './standing-events.ts';

/**
 * Networks whose resource no node exposes: nobody asks for it, or who asks finds it on no node. Their pods stay Pending.
 */
export function unofferedEvents(
  { networks }: Pick<Snapshot, 'networks'>,
  offers: Pick<Offers, 'ofResource' | 'resources'>,
): readonly StandingEvent[] {
  return [...networks.values()].flatMap(({ metadata: { namespace, name, uid, annotations } }) => {
    const annotation = annotations?.[resourceAnnotation] ?? '';
    const resource = annotation.slice(resourcePrefix.length);
    if (!annotation.startsWith(resourcePrefix) || !isLegalResourceName(resource)) return [];
    const offered = offers.ofResource(resource);
    if (offered.some(({ nodes }) => nodes > 0)) return [];
    const kind = 'NetworkAttachmentDefinition';
    const regarding = { apiVersion: 'k8s.cni.cncf.io/v1', kind, namespace, name, ...(uid !== undefined && { uid }) };
    const askers = [...new Set(offered.map(({ policy, source }) => (policy ? `policy ${policy}` : source)))];
    const note = `${askers.length === 0 ? nobody(resource, offers) : nowhere(resource, askers)}; pods with this network stay Pending`;
    const event = { type: 'Warning', reason: 'ResourceNotOffered', action: 'Offer', regarding, note } as const;
    return [{ key: `${namespace}/${name} ${resource}`, event }];
  });
}

function nobody(resource: string, { resources }: Pick<Offers, 'resources'>): string {
  const near = nearestNames(resource, resources);
  const advice = near.length === 0 ? 'write a MacvtapNetworkNodePolicy for it' : `did you mean ${near.join(' or ')}?`;
  return `no policy and no node offers ${resourcePrefix}${resource}: ${advice}`;
}

function nowhere(resource: string, askers: readonly string[]): string {
  return `no node exposes ${resourcePrefix}${resource}, which ${askers.slice(0, 3).join(' and ')} asks for: see the states of the nodes for why`;
}
