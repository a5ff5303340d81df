// SPDX-License-Identifier: Apache-2.0

/**
 * Every point at which a test can kill the process. Another test compares this table with the source: there must be
 * exactly one call of `faultPoint` for each name, and none with another name.
 */
export const faultPoints = {
  'plan-decided': 'the served resources of a new plan are decided, and nothing is changed yet',
  'plan-applied': 'the resource servers of a new plan are starting and ending',
  'server-ready': 'a resource is served and probed, and kubelet does not know it yet',
  'server-registered': 'kubelet has registered the resource, and the node plugin has not noted it',
  'allocate-leftover-removed': "a device's unusable old link is deleted, and its new link is not created",
  'allocate-node-free': "the device's node in /dev is free, and its link is not created",
  'allocate-link-made': "the device's link exists, kubelet does not know it, and the ledger may lack it",
  'allocate-recorded': 'the ledger has the device, and kubelet has no response',
  'claim-prepared': 'the CDI file of a prepared claim is written, and kubelet has no response',
  'claim-file-removed': 'the CDI file of an unprepared claim is gone, and the ledger still has the claim',
  'claim-unprepared': 'the ledger has no unprepared claim any more, and kubelet has no response',
  'vlan-created': 'a VLAN exists with its short name, and is down and has no alias',
  'vlan-finished': 'a VLAN has its final name and alias, and the node plugin has not noted it',
  'vlan-removed': 'an unused VLAN is deleted, and the node plugin has not noted it',
  'ledger-before-write': 'a change of the ledger is decided, and not in a file yet',
  'ledger-set-aside': 'a broken ledger has its second name and still its first one',
  'file-temporary-made': 'the temporary file of an atomic write exists and is empty',
  'file-before-rename': 'the temporary file is complete and durable, and the old file still has the name',
  'file-after-rename': 'the new file has the name, and the directory is not yet synchronised',
  'ledger-after-write': 'a change of the ledger is durable, and its caller has no result yet',
  'cni-add-node-free': "ADD: the device's node in /dev is free, and the pod has no link",
  'cni-add-recorded': 'ADD: the ledger has the attachment, and the pod has no link',
  'cni-add-link-made': 'ADD: the link is in the pod, and root still owns its node',
  'cni-add-node-owned': 'ADD: the node has its owner, and the runtime has no response',
  'cni-del-link-gone': "DEL: the pod's link is gone, and the ledger has the attachment",
  'cni-del-recorded': 'DEL: the ledger has no attachment, and the runtime has no response',
  'cni-tombstone-done': 'the DEL is done, and the file of the pending DEL still exists',
} as const satisfies Record<string, string>;

export type FaultPointName = keyof typeof faultPoints;

/**
 * Marks a step after which a crash matters. If the environment variable MACVTAP_TEST_FAULT names this point, the
 * process kills itself here without any clean-up. Otherwise, nothing happens.
 *
 * @example MACVTAP_TEST_FAULT=file-before-rename:3   // the third time
 */
export function faultPoint(name: FaultPointName): void {
  if (armed === undefined || armed.name !== name) return;
  armed.remaining -= 1;
  // The process ends here: after kill(2) on its own process, no thread runs again in user mode.
  if (armed.remaining === 0) process.kill(process.pid, 'SIGKILL');
}

/**
 * Reads MACVTAP_TEST_FAULT. Throws for an unknown name: otherwise, a test with a wrong name would kill no process and
 * pass.
 */
export function readArmed(text: string | undefined): { readonly name: FaultPointName; remaining: number } | undefined {
  if (text === undefined || text === '') return undefined;
  const [, name = '', times = '1'] = /^([^:]+)(?::([1-9]\d*))?$/.exec(text) ?? [];
  if (!isFaultPoint(name)) {
    throw new Error(`MACVTAP_TEST_FAULT=${text} is invalid: write one of ${Object.keys(faultPoints)}, or <name>:<n>`);
  }
  return { name, remaining: Number(times) };
}

function isFaultPoint(name: string): name is FaultPointName {
  return Object.hasOwn(faultPoints, name);
}

/**
 * The point at which the process kills itself. MACVTAP_TEST_FAULT is read only once, so that calls of `faultPoint` cost
 * almost nothing. The name does not begin with KUBE_MACVTAP_, so the variable cannot be mistaken for a flag.
 */
const armed = readArmed(process.env.MACVTAP_TEST_FAULT);
