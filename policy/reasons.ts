// SPDX-License-Identifier: Apache-2.0

/**
 * Every reason that the engine gives, by code. Codes are contracts: docs/reasons.md lists the same and a test compares
 * both ways. The texts are constant; the values of a case travel beside them as facts.
 */
export const reasons = {
  // Why an entry, a tag or an interface became no resource on a node.
  NothingFound: 'no interface of the node matches',
  Loopback: 'the loopback interface cannot carry a macvtap',
  NotEthernet: 'not an Ethernet interface',
  MacvtapOrMacvlan: 'itself a macvtap or macvlan; its own parent must be named instead',
  Enslaved: 'enslaved to another interface; name that one instead',
  CarriesNodeTraffic:
    "passthru would take an interface that carries the node's own traffic; set allowHostInterface to insist",
  IllegalResourceName: 'the name is no legal Kubernetes resource name; give the entry a resourceName',
  KindNotExposed: 'this kind of link is not exposed implicitly; name it in a policy or add the kind to the list',
  ExcludedByName: 'on the list of names that are not exposed implicitly',
  UnknownMode: 'not a macvtap mode (bridge, private, vepa, passthru)',
  Shadowed: 'another interface or entry with the same resource name comes first',
  RepeatedName: 'the configuration repeats this name; its last entry counts',
  PassthruQuantity: 'a passthru parent carries one device, so the quantity is 1',
  QuantityAboveLimit: 'a resource has at most 4096 devices; the quantity was lowered',
  ExplicitInvalid: 'the explicit configuration cannot be read',
  PolicyInvalid: 'the policy has faults and exposes nothing until they are mended',
  PolicyOutsideNamespace: "policies count only in the installation's namespace",

  // Why a resource lost to another one on the same node.
  ResourceNameTaken: 'another policy that comes first exposes a resource of this name',
  PassthruExclusive: 'a passthru resource and any other cannot share a parent; the first one has it',

  // Why a resource that kubelet knows gives out nothing for now.
  ParentChanged: 'its interfaces changed, and it would move to another parent while pods hold devices on this one',
  Draining: 'nothing asks for it any more; it stays for the pods that hold its devices',

  // What is wrong with a policy as it is written.
  ParentAmbiguous: 'an entry needs exactly one of parentIface and nicSelector',
  NameInBothForms: 'a policy with spec.resourceName has no resourceName in its entries',
  BadGlob: 'not a shell glob',
  BadSelectorValue: 'label values are strings; booleans and integers are read as such, nothing else is',
  BadLabel: 'no legal label key or value',
  BadRequirement: 'the operator does not go with these values',
  BadFieldRequirement: 'matchFields knows only metadata.name with In or NotIn and one value',
} as const satisfies Record<string, string>;

export type ReasonCode = keyof typeof reasons;

/** What a rule says about an object: deny refuses it, warn only tells. */
type Severity = 'deny' | 'warn';

/**
 * A rule's answer about one place of an object.
 *
 * @example { code: 'BadGlob', path: 'spec.parentSelector[0].nicSelector.names[1]', severity: 'deny',
 *   reason: 'not a shell glob', detail: 'ens[: the bracket is not closed' }
 */
export interface Verdict {
  readonly code: ReasonCode;
  readonly path: string;
  readonly severity: Severity;
  readonly reason: string;
  readonly detail: string;
}

/** A verdict that refuses the object. */
export function deny(code: ReasonCode, path: string, detail: string): Verdict {
  return { code, path, severity: 'deny', reason: reasons[code], detail };
}
