// SPDX-License-Identifier: Apache-2.0
import {
  describeRequirements,
  type RestrictedDevice,
  type Restriction,
} from '../../policy/offers/policies-governing.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { describePod } from '../cni/device-claim.ts';
import type { PodName } from '../podresources/held-devices.ts';

/** A device and the pod that wants to use it. The pod is undefined if the runtime does not name it. */
export interface DeniedUse {
  readonly id: string;
  readonly device: RestrictedDevice;
  readonly pod: PodName | undefined;
}

/**
 * Makes the error for a namespace without the required labels. Retrying does not help until someone changes the labels
 * or the policy.
 */
export function namespaceNotAdmitted(use: DeniedUse, refusing: readonly Restriction[]): MacvtapError {
  const { pod, device } = use;
  const text =
    `${describeUser(use)} may not use resource ${device.resource}: ${describeAll(refusing, device)}, and ` +
    `namespace ${pod?.namespace} does not match; label the namespace if its pods may use the resource, or delete the pod`;
  return new MacvtapError('NamespaceNotAdmitted', text, { facts: factsOf(use, refusing) });
}

/**
 * Makes the error for a namespace whose labels cannot be read.
 *
 * @param why a clause, such as `there is no namespace vms`
 */
export function namespaceUnknown(use: DeniedUse, inForce: readonly Restriction[], why: string): MacvtapError {
  const { device } = use;
  const text =
    `${describeUser(use)} may not use resource ${device.resource} yet: ${describeAll(inForce, device)}, and ${why}; ` +
    'kubelet tries again';
  return new MacvtapError('NamespaceUnknown', text, { facts: factsOf(use, inForce) });
}

/** Makes the error for a node without a plan. Until the first plan, the list of policies may be incomplete. */
export function policiesUnknown(use: DeniedUse): MacvtapError {
  const text =
    `${describeUser(use)} may not use resource ${use.device.resource} yet: the policies that restrict it are not known yet; ` +
    "see the node plugin's log; kubelet tries again";
  return new MacvtapError('PlanUnknown', text, { facts: factsOf(use, []) });
}

function describeUser({ pod }: DeniedUse): string {
  return pod === undefined ? 'the pod' : `pod ${describePod(pod)}`;
}

function describeAll(restrictions: readonly Restriction[], device: RestrictedDevice): string {
  return restrictions.map((restriction) => describeOne(restriction, device)).join(', ');
}

function describeOne(restriction: Restriction, device: RestrictedDevice): string {
  const { policy, namespaces } = restriction;
  const selector = describeRequirements(namespaces);
  return restriction === device.restriction
    ? `policy ${policy} admitted only namespaces with ${selector} when the device was allocated`
    : `policy ${policy} admits only namespaces with ${selector}`;
}

function factsOf({ id, device, pod }: DeniedUse, restrictions: readonly Restriction[]) {
  return {
    device: id,
    resource: device.resource,
    ...(pod !== undefined && { pod: describePod(pod) }),
    ...(restrictions.length > 0 && { policy: restrictions.map(({ policy }) => policy).join(',') }),
  };
}
