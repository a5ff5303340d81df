// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NetworkNamespace } from '../../kernel/network-namespace.ts';

/** The kernel's part of a pod's macvtap: single netlink requests without anything around them. */
export interface BareAttach extends AsyncDisposable {
  /**
   * Measures these steps for all namespaces at once: make a link in the namespace, delete it, make one outside, and
   * move it inside.
   */
  measure(netnsPaths: readonly string[]): Promise<BareTimes>;
}

/** Durations in milliseconds, until the kernel's answer. */
export interface BareTimes {
  readonly create: readonly number[];
  readonly delete: readonly number[];
  readonly move: readonly number[];
}

/** The process's answer to a list of paths. */
export type BareReport = BareTimes | { readonly error: string };

/** Starts the measuring process inside the node's namespace. It ends with its scope, or when this process ends. */
export async function startBareAttach(namespace: NetworkNamespace, parent: string): Promise<BareAttach> {
  const program = fileURLToPath(new URL('./bare-attach-process.ts', import.meta.url));
  const child = namespace.spawn(process.execPath, [program, parent], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // As many threads as the node plugin has, because deletions wait in them.
    env: { ...process.env, UV_THREADPOOL_SIZE: '28' },
  });
  const exit = once(child, 'exit');
  return {
    async measure(netnsPaths) {
      const report = once(child, 'message');
      child.send(netnsPaths);
      const ended = exit.then(() => [{ error: 'the process that makes bare links ended' }]);
      const [message] = (await Promise.race([report, ended])) as [BareReport];
      if ('error' in message) throw new Error(message.error);
      return message;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}
