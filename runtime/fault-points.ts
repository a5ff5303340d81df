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
} as const satisfies Record<string, string>;

export type FaultPointName = keyof typeof faultPoints;
