// SPDX-License-Identifier: Apache-2.0
import type { Target } from './target.ts';

/**
 * Every parser that reads untrusted bytes, grouped by the part of the project. Loading a group loads only the code that
 * the group tests.
 */
const groups = {
  netlink: async () => (await import('./targets/netlink.ts')).netlinkTargets,
  cni: async () => (await import('./targets/cni.ts')).cniTargets,
  kubelet: async () => (await import('./targets/kubelet.ts')).kubeletTargets,
  files: async () => (await import('./targets/files.ts')).fileTargets,
  reviews: async () => (await import('./targets/reviews.ts')).reviewTargets,
  objects: async () => (await import('./targets/objects.ts')).objectTargets,
  nodeState: async () => (await import('./targets/node-state.ts')).nodeStateTargets,
} as const satisfies Record<string, () => Promise<readonly Target[]>>;

export type Group = keyof typeof groups;

export async function loadGroup(group: Group): Promise<readonly Target[]> {
  return await groups[group]();
}

/** Returns all targets, each with its group. */
export async function loadTargets(): Promise<readonly { readonly group: Group; readonly target: Target }[]> {
  const names = Object.keys(groups) as Group[];
  const loaded = await Promise.all(
    names.map(async (group) => (await loadGroup(group)).map((target) => ({ group, target }))),
  );
  return loaded.flat();
}
