// SPDX-License-Identifier: Apache-2.0

/**
 * Every reason of a condition in a policy's status. Contracts like the codes of policy/reasons.ts: docs/status.md lists
 * the same, and so does the schema of the policy, which takes no other.
 */
export const conditionReasons = {
  // Of Accepted.
  Valid: 'the policy is in force',
  PolicyInvalid: 'the policy has faults; it exposes nothing, and keeps the nodes that it may have meant',
  PolicyOutsideNamespace: "policies count only in the installation's namespace",

  // Of Exposed.
  Exposing: 'at least one node exposes a resource by it',
  NoNodes: 'no node is selected',
  NothingFound: 'every selected node has reported, and none has an interface that an entry finds',
  Unhealthy: 'nodes have resources by it, and give out nothing of them for now',
  LostToOthers: 'whatever it asks for is exposed by policies or resources that come first',

  // Of Conflicted.
  NoConflict: 'on no node that has reported does it lose anything to another policy or resource',
  ResourceNameTaken: 'another policy that comes first exposes a resource of this name',
  PassthruExclusive: 'a passthru resource and any other cannot share a parent; the first one has it',

  // Of several.
  Pending: 'selected nodes have not reported this generation of the policy yet',
  NotAccepted: 'the policy is not accepted, so that it neither exposes nor loses anything',
} as const satisfies Record<string, string>;

export type ConditionReason = keyof typeof conditionReasons;
