// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import { applyEdits } from '../../cluster/objects/apply-edits.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { collectOffers } from '../../policy/offers/offers-index.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { injectPod } from '../../policy/pod/inject-pod.ts';
import type { PodObject } from '../../policy/pod/read-pod.ts';
import { applyNetworkDefaults } from '../lint/apply-defaults.ts';
import { assumeStates } from './assume-states.ts';

/** Files as the cluster that they would make: networks with what the webhook fills in, node states with resources. */
export function admitSnapshot(snapshot: Snapshot, exposure: ImplicitExposure | undefined): Snapshot {
  const nodeStates = assumeStates(snapshot, exposure);
  const offers = collectOffers({ ...snapshot, nodeStates });
  return { ...snapshot, nodeStates, networks: applyNetworkDefaults(snapshot, { offers, unknownResource: 'Deny' }) };
}

/** A pod of files without a status was never made: it is one with the devices that the webhook would add. */
export function admitPod(pod: ApiObject, snapshot: Snapshot): ApiObject {
  if (isMade(pod)) return pod;
  const namespace = pod.metadata.namespace ?? 'default';
  const object = { ...pod, metadata: { ...pod.metadata, namespace } };
  const { networks, namespaces } = snapshot;
  const facts = { offers: collectOffers(snapshot), namespace, namespaceLabels: namespaces.get(namespace), networks };
  const { edits } = injectPod(object as unknown as PodObject, facts);
  return { ...applyEdits(object, edits), status: { phase: 'Not made yet' } };
}

export function isMade({ status }: ApiObject): boolean {
  return status !== undefined;
}
