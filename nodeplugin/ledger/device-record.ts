// SPDX-License-Identifier: Apache-2.0
import type { Mode } from '../../policy/plan/mode.ts';

/** What a device was given: what its link is made of, whatever the policies say since. */
export interface DeviceEntry {
  /** Without the group: `dataplane`. */
  readonly resource: string;
  /** Name of the lower device, as it was then. */
  readonly parent: string;
  /** The index that it had then: one that was made anew under its name took its macvtaps along. */
  readonly parentIfindex?: number;
  readonly mode: Mode;
  readonly ifindex: number;
  /** Which of the device's indexes that is: 0 for the hash of its plain name, 1 for `…#1`, and so on. */
  readonly attempt: number;
  /** Whose name was hashed into the index, where it is not the ledger's node: one that was renamed. */
  readonly nodeName?: string;
  /** The pod that ADD attached it to last, since its Allocate: `vms/vm-a`. Absent until then, and where no runtime named one. */
  readonly pod?: string;
  /** Absent until the device is in a pod, and after it left. */
  readonly attachment?: Attachment;
}

/** Where a device's link is, as CNI ADD made it. */
export interface Attachment {
  /** Of the sandbox: CNI_CONTAINERID. */
  readonly containerID: string;
  /** Inside the pod: CNI_IFNAME. */
  readonly ifname: string;
  readonly netnsPath: string;
  /** Of the namespace (nsfs), by which one that was made anew under the same path is told. */
  readonly netnsInode: number;
  readonly mac: string;
  /** Of the pod that the runtime named, by which events are found; absent where it named none. */
  readonly podUID?: string;
  /** The name of the network configuration; absent for an attachment that was found on the kernel's side alone. */
  readonly network?: string;
}

/** An entry as the ledger keeps it. */
export interface DeviceRecord extends DeviceEntry {
  /** Grows with every record of any device, over restarts: the lowest was not touched for the longest time. */
  readonly lastUsed: number;
}
