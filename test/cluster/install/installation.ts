// SPDX-License-Identifier: Apache-2.0

/** What stands of ours in a cluster. */
export interface Installation {
  /** Values that differ from those that the release has, and another chart than the one here. Does not wait for pods. */
  upgrade(changed: object, chart?: string): Promise<void>;
  /** Resolves when all pods are those of the release, and Ready. */
  untilRolledOut(): Promise<void>;
  /** Ends a node's plugin at once, and waits until kubelet has started it again. */
  killNodePlugin(node: string): Promise<void>;
  /** What all plugins of a node have printed; asks the node, not the API server. */
  nodePluginLog(node: string): Promise<string>;
}
