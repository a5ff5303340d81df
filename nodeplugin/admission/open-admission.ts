// SPDX-License-Identifier: Apache-2.0

import type { LiveSource, Lookups } from '../../cluster/source.ts';
import { linkName } from '../../policy/device/device-id.ts';
import {
  admits,
  describeRequirements,
  type RestrictedDevice,
  type Restriction,
  restrictionBy,
  restrictionsOn,
} from '../../policy/offers/policies-governing.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import { podUIDOf } from '../cni/attachments.ts';
import { type DeviceHolders, describePod } from '../cni/device-claim.ts';
import type { CNIEnvironment } from '../cni/spec/cni-environment.ts';
import type { DeviceEntry, DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { PodName } from '../podresources/held-devices.ts';
import type { PlanStore } from '../reconcile/follow-plan.ts';

/** The checks that decide whether a pod may use a device, according to the namespaceSelectors of policies. */
export interface Admission {
  /** Returns the restriction that Allocate records for a device of this resource, or undefined if there is none. */
  restrictionOf(resource: PlannedResource): Restriction | undefined;
  /**
   * Resolves if the device's link may be created in the pod's sandbox. Raises `NamespaceNotAdmitted`,
   * `NamespaceUnknown`, `PlanUnknown`.
   */
  checkAttach(id: string, entry: DeviceEntry, pod: CNIEnvironment['pod']): Promise<void>;
  /**
   * Resolves if a container may start with the device's tap. Raises the same errors as `checkAttach`, and the errors of
   * the request to kubelet.
   */
  checkStart(id: string, record: DeviceRecord, signal: AbortSignal): Promise<void>;
}

export interface AdmissionOptions {
  readonly source: Pick<LiveSource, 'snapshot'>;
  readonly plan: Pick<PlanStore, 'current'>;
  readonly labels: NamespaceLabels;
  readonly ledger: Pick<Ledger, 'get' | 'record'>;
  readonly holders: Pick<DeviceHolders, 'known' | 'ask'>;
  /** The same lock that Allocate and ADD take. */
  readonly lock: KeyedMutex;
}

/**
 * Creates the checks of namespace selectors on the node. The webhook checks the selectors only when a pod is created. A
 * policy or a label can change before the pod gets its link. The checks on the node therefore apply the policies and
 * labels that are valid when the pod gets its link.
 *
 * An admitted pod stays admitted, because the ledger records its UID with the device. Its sandbox can be recreated and
 * its containers restarted while the API server is unavailable, or after a selector was narrowed.
 */
export function openAdmission({ source, plan, labels, ledger, holders, lock }: AdmissionOptions): Admission {
  /**
   * Returns the restrictions on a device. Returns undefined while the node has no plan, because the list of policies
   * may be incomplete until then.
   */
  const restrictions = (device: RestrictedDevice): readonly Restriction[] | undefined => {
    if (plan.current === undefined) return undefined;
    const planned = plan.current.plan.resources.find(({ name }) => name === device.resource);
    return restrictionsOn(device, { policies: source.snapshot.policies, planned });
  };

  const judge = async (id: string, device: RestrictedDevice, pod: PodName | undefined): Promise<void> => {
    const inForce = restrictions(device);
    const about = { id, device, pod };
    if (inForce === undefined) throw policiesUnknown(about);
    if (inForce.length === 0) return;
    if (pod === undefined) throw namespaceUnknown(about, inForce, 'the container runtime names no pod');
    const known = await readLabels(labels, pod.namespace);
    if ('failure' in known) throw namespaceUnknown(about, inForce, known.failure);
    const refusing = inForce.filter((restriction) => !admits(restriction, known.labels));
    if (refusing.length > 0) throw namespaceNotAdmitted(about, refusing);
  };

  return {
    restrictionOf({ policy }) {
      const offering = source.snapshot.policies.find(({ id }) => id === policy);
      return offering && restrictionBy(offering);
    },
    async checkAttach(id, entry, pod) {
      // Only the UID distinguishes the admitted pod from a later pod of the same name.
      const wasAdmitted = pod?.uid !== undefined && podUIDOf(entry) === pod.uid;
      if (!wasAdmitted) await judge(id, entry, pod);
    },
    async checkStart(id, record, signal) {
      // If either field is set, ADD or an earlier start has admitted the pod. Another pod can get the device only
      // through a new Allocate, which clears both fields.
      if (record.attachment !== undefined || record.pod !== undefined) return;
      // ADD has not attached the device, so the container's tap can only be that of the placeholder link. Allocate
      // created this link in the node's namespace. The link is down and passes no frames. Only a process with
      // CAP_NET_ADMIN in the node's namespace can bring it up.
      const inForce = restrictions(record);
      if (inForce?.length === 0) return;
      // Before the first plan, a container may start if its device had no restriction when it was allocated. This is
      // safe even if a policy restricts the device now, because the placeholder link passes no frames.
      if (inForce === undefined && record.restriction === undefined) return;
      const pods = distinct(holders.known(id) ?? (await holders.ask(id, signal)) ?? []);
      // `pods` is empty for a device of an ordinary init container, because kubelet never lists such a device. The
      // container starts unchecked, which is safe, because the placeholder link passes no frames.
      for (const pod of pods) await judge(id, record, pod);
      const [only, ...others] = pods;
      if (only !== undefined && others.length === 0) await remember(id, only, signal);
    },
  };

  async function remember(id: string, pod: PodName, signal: AbortSignal): Promise<void> {
    const record = async () => {
      const { lastUsed, ...entry } = ledger.get(id) ?? {};
      if ('resource' in entry && entry.pod === undefined) await ledger.record(id, { ...entry, pod: describePod(pod) });
    };
    await lock.run([linkName(id)], record, signal);
  }
}

async function readLabels(
  labels: NamespaceLabels,
  namespace: string,
): Promise<{ readonly labels: Labels } | { readonly failure: string }> {
  try {
    const found = await labels(namespace);
    return found === undefined ? { failure: `there is no namespace ${namespace}` } : { labels: found };
  } catch (thrown) {
    return { failure: `the labels of namespace ${namespace} cannot be read: ${MacvtapError.from(thrown).message}` };
  }
}

/** Removes duplicates: a pod is a holder once for each of its containers that use the device. */
function distinct(pods: readonly PodName[]): readonly PodName[] {
  return [...new Map(pods.map((pod) => [describePod(pod), pod])).values()];
}

/** Returns a namespace's labels, or undefined if the namespace does not exist. Raises `LookupFailed`. */
export type NamespaceLabels = (namespace: string) => Promise<Labels | undefined>;

export interface NamespaceLabelsOptions {
  readonly lookup: Lookups['namespace'];
  /** A clock in milliseconds that only moves forward. */
  readonly now: () => number;
}

/** The time limit of a lookup. Kubelet gives a sandbox minutes, but PreStartContainer must end within five seconds. */
const deadlineMs = 1_000;

/**
 * How long labels are reused, because pods of one namespace often start together. A changed label takes effect after
 * this time at the latest.
 */
const maxAgeMs = 2_000;

/**
 * Creates a function that reads a namespace's labels when one of its pods is checked. There is no watch, because it
 * would keep all namespaces of the cluster in memory on every node. Labels are reused for two seconds. Errors and
 * missing namespaces are not reused: the next call reads again, and finds a new namespace or a recovered API server.
 */
export function createNamespaceLabels({ lookup, now }: NamespaceLabelsOptions): NamespaceLabels {
  const answers = new Map<string, { readonly askedMs: number; readonly labels: Promise<Labels | undefined> }>();
  return (namespace) => {
    const nowMs = now();
    for (const [name, { askedMs }] of answers) if (nowMs - askedMs >= maxAgeMs) answers.delete(name);
    const known = answers.get(namespace);
    if (known !== undefined) return known.labels;
    const answer = { askedMs: nowMs, labels: lookup(namespace, AbortSignal.timeout(deadlineMs)) };
    answers.set(namespace, answer);
    const forget = () => {
      if (answers.get(namespace) === answer) answers.delete(namespace);
    };
    answer.labels.then((labels) => labels === undefined && forget(), forget);
    return answer.labels;
  };
}

/** A device and the pod that wants to use it. The pod is undefined if the runtime does not name it. */
interface DeniedUse {
  readonly id: string;
  readonly device: RestrictedDevice;
  readonly pod: PodName | undefined;
}

/**
 * Makes the error for a namespace without the required labels. Retrying does not help until someone changes the labels
 * or the policy.
 */
function namespaceNotAdmitted(use: DeniedUse, refusing: readonly Restriction[]): MacvtapError {
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
function namespaceUnknown(use: DeniedUse, inForce: readonly Restriction[], why: string): MacvtapError {
  const { device } = use;
  const text =
    `${describeUser(use)} may not use resource ${device.resource} yet: ${describeAll(inForce, device)}, and ${why}; ` +
    'kubelet tries again';
  return new MacvtapError('NamespaceUnknown', text, { facts: factsOf(use, inForce) });
}

/** Makes the error for a node without a plan. Until the first plan, the list of policies may be incomplete. */
function policiesUnknown(use: DeniedUse): MacvtapError {
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
