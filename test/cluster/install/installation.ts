// SPDX-License-Identifier: Apache-2.0

/** What stands of ours in a cluster, however it came there. */
export interface Installation {
  /** Starts a node's plugin, which must not run. */
  startNodePlugin(node: string): Promise<void>;
  /** Ends a node's plugin: politely, or at once. */
  stopNodePlugin(node: string, how: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** What a node's plugin has printed. */
  nodePluginLog(node: string): Promise<string>;
}
