// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

export interface NodePluginOptions {
  /** The network namespace that represents the node's. */
  readonly namespace: NetworkNamespace;
  readonly nodeName: string;
  readonly manifests: string;
  /** Kubelet's directory. The stand-in uses the device-plugins directory in it. */
  readonly kubeletDirectory: string;
  /** A command inside the namespace that executes its last arguments, for other privileges than the test's. */
  readonly wrapper?: readonly string[];
  /** The program for Node.js: a bundle instead of the source. */
  readonly main?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

const source = fileURLToPath(new URL('../../nodeplugin/main.ts', import.meta.url));

/** Starts the real node plugin inside a network namespace. On a node, its pod would run it in the host's network. */
export function startNodePlugin(options: NodePluginOptions): RunningProcess {
  const { namespace, nodeName, manifests, kubeletDirectory, wrapper = [], flags = [] } = options;
  const { main = source, environment = {}, onLine } = options;
  return startProcess({
    name: `node plugin of ${nodeName}`,
    command: [
      ...(['ip', 'netns', 'exec', namespace.name, ...wrapper, process.execPath, main] as const),
      ...['--source', `manifests:${manifests}`],
      ...['--node-name', nodeName],
      ...['--kubelet-dir', kubeletDirectory],
      ...['--state-dir', stateDirectoryOf(kubeletDirectory)],
      ...['--cni-socket', cniSocketOf(kubeletDirectory)],
      ...flags,
    ],
    environment,
    ...(onLine !== undefined && { onLine }),
  });
}

/** Returns the path of the socket that a node's shim calls. */
export function cniSocketOf(kubeletDirectory: string): string {
  return join(kubeletDirectory, 'kube-macvtap-run/cni.sock');
}

/** Returns the node plugin's state directory, which is in kubelet's directory. */
export function stateDirectoryOf(kubeletDirectory: string): string {
  return join(kubeletDirectory, 'kube-macvtap');
}
