// SPDX-License-Identifier: Apache-2.0

/**
 * The ways in which Multus runs on nodes. Thin: containerd starts the whole plugin for each pod. Thick: containerd
 * starts a shim, which passes the request to a daemon.
 */
export const multusKinds = ['thin', 'thick'] as const;
export type MultusKind = (typeof multusKinds)[number];

/** The environment variable with the requested kind. Programs that tests start inherit it. */
const variable = 'MACVTAP_TEST_MULTUS';

/** Returns the kind of Multus for a new cluster: thin, unless thick is requested. */
export function multusKind(): MultusKind {
  const requested = process.env[variable] ?? 'thin';
  const kind = multusKinds.find((known) => known === requested);
  if (kind === undefined) throw new Error(`${variable}=${requested}: write one of ${multusKinds.join(', ')}`);
  return kind;
}

/** Makes this process, and all processes that it starts, use a kind of Multus. */
export function useMultus(kind: MultusKind): void {
  process.env[variable] = kind;
}
