// SPDX-License-Identifier: Apache-2.0
import { isLabelOperator } from '../../policy/nodepolicy/find-shape-fault.ts';
import type { Restriction } from '../../policy/offers/policies-governing.ts';
import { isMode, type Mode } from '../../policy/plan/resource.ts';

/**
 * The facts that the ledger records about a device. Allocate sets the resource, parent and mode; later changes of
 * policies do not affect them.
 */
export interface DeviceEntry {
  /** The resource without its prefix: `dataplane`. */
  readonly resource: string;
  /** The name that the parent had at Allocate. */
  readonly parent: string;
  /** The index that the parent had at Allocate. A recreated parent has a different index and has lost its macvtaps. */
  readonly parentIfindex?: number;
  readonly mode: Mode;
  readonly ifindex: number;
  /**
   * The attempt in which Allocate got `ifindex`. In attempt 0, the index is the hash of the device's ID. In attempt 1,
   * it is the hash of the ID and `#1`, and so on.
   */
  readonly attempt: number;
  /**
   * The node name from which the index was hashed. Present only if it differs from the ledger's node name, because the
   * node was renamed.
   */
  readonly nodeName?: string;
  /**
   * The last pod that ADD attached or PreStartContainer admitted since Allocate: `vms/vm-a`. Absent until then, and if
   * the runtime did not name a pod.
   */
  readonly pod?: string;
  /**
   * The UID of `pod` while the device has no attachment. While it has one, the UID is in `attachment`. Absent if the
   * runtime passed no UID.
   */
  readonly podUID?: string;
  /**
   * Set once kubelet has listed the device for a pod since Allocate. Kubelet never lists devices of ordinary init
   * containers.
   */
  readonly listed?: true;
  /**
   * The MAC address of the last attachment, which the same pod gets again. Absent until a pod with a UID is detached.
   */
  readonly podMAC?: PodMAC;
  /** The namespaces that the policy of the resource admitted at Allocate. Absent if all namespaces were admitted. */
  readonly restriction?: Restriction;
  /** The claim that the device was prepared for. Absent if kubelet allocated the device by the device plugin API. */
  readonly claim?: PreparedClaim;
  /** Absent while the device is not in a pod. */
  readonly attachment?: Attachment;
}

/** A ResourceClaim, as the ledger records it with each of the claim's devices until the claim is unprepared. */
export interface PreparedClaim {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The request in the claim that the device satisfies. */
  readonly request: string;
  /** The UIDs of the pods for which the claim was reserved when its device was last prepared or attached. */
  readonly pods: readonly string[];
  /** Set if the resource asked for /dev/vhost-net when the device was first prepared. */
  readonly vhostNet?: true;
}

/** The attachment of a device's link to a pod, as ADD created it. */
export interface Attachment {
  /** The sandbox: CNI_CONTAINERID. */
  readonly containerID: string;
  /** The interface's name in the pod: CNI_IFNAME. */
  readonly ifname: string;
  readonly netnsPath: string;
  /** The inode of the namespace (nsfs). A recreated namespace at the same path has a different inode. */
  readonly netnsInode: number;
  readonly mac: string;
  /** The pod's UID, by which events about the pod are found. Absent if the runtime passed no UID. */
  readonly podUID?: string;
  /**
   * The MTU that ADD gave the link, or that the link had when this record was restored. Absent if an older version
   * wrote the record.
   */
  readonly mtu?: number;
  /** Set while the link is in private mode, until the guest of a live migration sends its first frame. */
  readonly parked?: true;
  /** The name of the network configuration. Absent if the attachment was restored from the kernel's links. */
  readonly network?: string;
}

/** The MAC address that an interface of a pod had. It is valid only for the pod with this UID. */
type PodMAC = Pick<Attachment, 'ifname' | 'mac'> & { readonly podUID: string };

/** An entry in the ledger. */
export interface DeviceRecord extends DeviceEntry {
  /**
   * The time of the last change, as the value of a counter that all devices share. The counter continues after a
   * restart. The device with the lowest value has been unused for the longest time.
   */
  readonly lastUsed: number;
}

/** A check of a value, and the description of valid values for messages. */
export interface Field {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
  readonly optional?: true;
}

export type Fields = Readonly<Record<string, Field>>;

const text: Field = { expected: 'a non-empty text', holds: (value) => typeof value === 'string' && value !== '' };

const count: Field = {
  expected: 'a whole number from 0',
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};

const mode: Field = { expected: 'a macvtap mode', holds: (value) => typeof value === 'string' && isMode(value) };

/** The kernel's ifindex is a positive int. */
const ifindex: Field = {
  expected: 'a link index',
  holds: (value) => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 0x7fff_ffff,
};

const mac: Field = {
  expected: 'a MAC address',
  holds: (value) => typeof value === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value),
};

/** The kernel's MTU is an unsigned int. */
const mtu: Field = { expected: 'an MTU', holds: (value) => Number.isInteger(value) && (value as number) > 0 };

const yes: Field = { expected: 'true', holds: (value) => value === true };

const podMAC: Field = {
  expected: 'a pod UID, an interface and its MAC address',
  holds: (value) => {
    const { podUID, ifname, mac: address, ...more } = Object(value) as Record<string, unknown>;
    return (
      [text.holds(podUID), text.holds(ifname), mac.holds(address)].every(Boolean) && Object.keys(more).length === 0
    );
  },
};

const claim: Field = {
  expected: 'a claim with its namespace, name, UID, request and pods',
  holds: (value) => {
    const { namespace, name, uid, request, pods, vhostNet, ...more } = Object(value) as Record<string, unknown>;
    return (
      [namespace, name, uid, request].every(text.holds) &&
      Array.isArray(pods) &&
      pods.every(text.holds) &&
      (vhostNet === undefined || vhostNet === true) &&
      Object.keys(more).length === 0
    );
  },
};

/** Checks a `Restriction`. An incomplete restriction is rejected, because it would admit more namespaces. */
const restriction: Field = {
  expected: 'a policy and the namespaces that it admits',
  holds(value) {
    const { policy, namespaces } = (value ?? {}) as Readonly<Record<string, unknown>>;
    return text.holds(policy) && Array.isArray(namespaces) && namespaces.length > 0 && namespaces.every(isRequirement);
  },
};

function isRequirement(value: unknown): boolean {
  const { key, operator, values } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const areTexts = Array.isArray(values) && values.every((one) => typeof one === 'string');
  return text.holds(key) && isLabelOperator(operator) && areTexts;
}

/**
 * The fields of a device without its attachment. Type checking fails if a field of `DeviceRecord` is missing from this
 * list.
 */
export const deviceFields = {
  resource: text,
  parent: text,
  parentIfindex: { ...ifindex, optional: true },
  mode,
  ifindex,
  attempt: count,
  nodeName: { ...text, optional: true },
  pod: { ...text, optional: true },
  podUID: { ...text, optional: true },
  listed: { ...yes, optional: true },
  podMAC: { ...podMAC, optional: true },
  restriction: { ...restriction, optional: true },
  claim: { ...claim, optional: true },
  lastUsed: count,
} as const satisfies Record<Exclude<keyof DeviceRecord, 'attachment'>, Field>;

export const attachmentFields = {
  containerID: text,
  ifname: text,
  netnsPath: text,
  netnsInode: count,
  mac,
  podUID: { ...text, optional: true },
  mtu: { ...mtu, optional: true },
  parked: { ...yes, optional: true },
  network: { ...text, optional: true },
} as const satisfies Record<keyof Attachment, Field>;
