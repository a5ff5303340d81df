// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

export interface NodePluginOptions {
  /** The network namespace that plays the node's. */
  readonly namespace: NetworkNamespace;
  readonly nodeName: string;
  readonly manifests: string;
  /** Kubelet's directory; the stand-in is in its device-plugins. */
  readonly kubeletDirectory: string;
  /** A command inside the namespace that becomes its last arguments, for other rights than the test's. */
  readonly wrapper?: readonly string[];
  /** What Node.js runs: a bundle in the place of the source. */
  readonly main?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

const source = fileURLToPath(new URL('../../nodeplugin/main.ts', import.meta.url));

/** Starts the real node plugin inside a network namespace, as a node's pod with the host's network would run it. */
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

/** Where the shim of a node calls. */
export function cniSocketOf(kubeletDirectory: string): string {
  return join(kubeletDirectory, 'kube-macvtap-run/cni.sock');
}

/** The node plugin's state directory, for tests beside the stand-in's own. */
export function stateDirectoryOf(kubeletDirectory: string): string {
  return join(kubeletDirectory, 'kube-macvtap');
}
