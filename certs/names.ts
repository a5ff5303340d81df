// SPDX-License-Identifier: Apache-2.0
import { isIPv6 } from 'node:net';
import type { Pair } from './pair.ts';

export interface ServiceName {
  readonly name: string;
  readonly namespace: string;
  /** @example 'cluster.local' */
  readonly clusterDomain?: string;
}

/** The names of a Service. The API server asks for `<name>.<namespace>.svc`; the others are for people and their tools. */
export function serviceNames({ name, namespace, clusterDomain = 'cluster.local' }: ServiceName): readonly string[] {
  const qualified = `${name}.${namespace}.svc`;
  return [qualified, `${qualified}.${clusterDomain}`, `${name}.${namespace}`, name];
}

/** Whether clients that ask for any of the names accept the certificate. A wildcard stands for no name but itself. */
export function coversNames({ names }: Pick<Pair, 'names'>, wanted: readonly string[]): boolean {
  return wanted.every((name) => names.includes(canonicalName(name)));
}

/** One spelling for each name: lower case; an IPv6 address as RFC 5952 has it. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return isIPv6(lower) && URL.canParse(`http://[${lower}]`)
    ? new URL(`http://[${lower}]`).hostname.slice(1, -1)
    : lower;
}

/**
 * Both lists, so that replicas that want different names (a rollout is under way) end with a certificate that suits them
 * all instead of replacing each other's. What would make the certificate unreasonably long is left out.
 */
export function joinNames(wanted: readonly string[], others: readonly string[]): readonly string[] {
  const all = new Set([...wanted.map(canonicalName), ...others.map(canonicalName)]);
  return [...all].slice(0, Math.max(maxNames, wanted.length));
}

/** Four names of a Service, twice over for a rename, and as many addresses. */
const maxNames = 16;
