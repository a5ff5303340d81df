// SPDX-License-Identifier: Apache-2.0

/** The product's installation in a cluster. */
export interface Installation {
  /**
   * Upgrades the release with values that differ from the current ones, or to another chart. Does not wait for pods.
   */
  upgrade(changed: object, chart?: string): Promise<void>;
  /** Resolves when all pods have the release's current version and are Ready. */
  untilRolledOut(): Promise<void>;
  /** Kills a node's plugin, and waits until kubelet has started it again. */
  killNodePlugin(node: string): Promise<void>;
  /** Returns the output of all node plugin containers of a node. It is read from the node, not from the API server. */
  nodePluginLog(node: string): Promise<string>;
}
