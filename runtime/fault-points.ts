// SPDX-License-Identifier: Apache-2.0

/**
 * Every point at which a test can kill the process. A test holds this table and the source together: each point is
 * called exactly once, and no other name is called.
 */
export const faultPoints = {
  'plan-decided': 'what to serve under a new plan is decided, and nothing of it is done',
  'plan-applied': 'servers of a new plan are starting and ending',
  'server-ready': 'a resource is served and probed, and kubelet does not know it',
  'server-registered': 'kubelet knows the resource, and nobody else was told',
  'allocate-leftover-removed': "a device's leftover that did not fit is gone, and its new link is not made",
  'allocate-node-free': "nobody holds the device's node in /dev, and its link is not made",
  'allocate-link-made': "the device's link stands, and neither ledger nor kubelet knows of it",
  'allocate-recorded': 'the ledger has the device, and kubelet has no answer',
  'ledger-before-write': 'a change of the ledger is decided, and nothing of it is in a file yet',
  'ledger-set-aside': 'a broken ledger has its second name, and its first one still leads to it',
  'file-temporary-made': 'the temporary file of an atomic write exists and is empty',
  'file-before-rename': 'the temporary file is complete and durable, and the old file still has the name',
  'file-after-rename': 'the new file has the name, and the directory is not yet synchronised',
  'ledger-after-write': 'a change of the ledger is durable, and whoever asked for it has not been told',
  'cni-add-node-free': "ADD: nobody holds the device's node in /dev, and the pod has no link",
  'cni-add-recorded': 'ADD: the ledger has the attachment, and the pod has no link',
  'cni-add-link-made': "ADD: the link is in the pod, and its node is still root's",
  'cni-add-node-owned': 'ADD: the node has its owner, and the runtime has no answer',
  'cni-del-link-gone': "DEL: the pod's link is gone, and the ledger has the attachment",
  'cni-del-recorded': 'DEL: the ledger has no attachment, and the runtime has no answer',
  'cni-tombstone-done': 'the DEL of a tombstone is done, and the tombstone is still there',
} as const satisfies Record<string, string>;

export type FaultPointName = keyof typeof faultPoints;
