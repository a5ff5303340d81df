// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from './interface-facts.ts';
import type { Glob } from './match-glob.ts';

/** A NIC selector, read: globs compiled, IDs without 0x and in lower case. A field that is absent asks nothing. */
export interface NicMatcher {
  readonly names?: readonly Glob[];
  readonly drivers?: readonly string[];
  readonly pciAddresses?: readonly Glob[];
  readonly vendorIDs?: readonly string[];
  readonly deviceIDs?: readonly string[];
  readonly macAddresses?: readonly Glob[];
  readonly numaNodes?: readonly number[];
  readonly defaultRoute?: boolean;
  readonly exclude?: NicMatcher;
}

/**
 * Whether an interface is what a selector asks for: all its fields must match (AND), one value of a field is enough
 * (OR), and what `exclude` matches, read the same way, is out. `numaNodes` are the interface's, a bond's its members'.
 */
export function matchNic(nic: InterfaceFacts, numaNodes: readonly number[], matcher: NicMatcher): boolean {
  return (
    matchesName(nic, matcher.names) &&
    isOneOf(nic.driver, matcher.drivers) &&
    matchesGlob(nic.pciAddress?.toLowerCase(), matcher.pciAddresses) &&
    isOneOf(nic.vendorID?.toLowerCase(), matcher.vendorIDs) &&
    isOneOf(nic.deviceID?.toLowerCase(), matcher.deviceIDs) &&
    matchesGlob((nic.permanentMACAddress ?? nic.macAddress)?.toLowerCase(), matcher.macAddresses) &&
    (matcher.numaNodes === undefined || matcher.numaNodes.some((node) => numaNodes.includes(node))) &&
    (matcher.defaultRoute === undefined || matcher.defaultRoute === nic.defaultRoute) &&
    (matcher.exclude === undefined || !matchNic(nic, numaNodes, matcher.exclude))
  );
}

/** Whether a name is the interface's own or one of its altnames. */
export function hasName(nic: InterfaceFacts, name: string): boolean {
  return nic.name === name || (nic.altNames?.includes(name) ?? false);
}

function matchesName(nic: InterfaceFacts, globs: readonly Glob[] | undefined): boolean {
  if (globs === undefined) return true;
  return matchesGlob(nic.name, globs) || (nic.altNames?.some((name) => matchesGlob(name, globs)) ?? false);
}

function matchesGlob(text: string | undefined, globs: readonly Glob[] | undefined): boolean {
  if (globs === undefined) return true;
  return text !== undefined && globs.some((glob) => 'matches' in glob && glob.matches(text));
}

function isOneOf(value: string | undefined, values: readonly string[] | undefined): boolean {
  if (values === undefined) return true;
  return value !== undefined && values.includes(value);
}
