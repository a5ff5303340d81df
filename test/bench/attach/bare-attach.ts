// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NetworkNamespace } from '../../kernel/network-namespace.ts';

/** What the kernel needs for a macvtap of a pod: each a netlink request, with nothing around it. */
export interface BareAttach extends AsyncDisposable {
  /** For each of these namespaces, all at once: a link is made in it, deleted, made outside and moved into it. */
  measure(netnsPaths: readonly string[]): Promise<BareTimes>;
}

/** In milliseconds, until the kernel's answer. */
export interface BareTimes {
  readonly create: readonly number[];
  readonly delete: readonly number[];
  readonly move: readonly number[];
}

/** What comes back for the paths. */
export type BareReport = BareTimes | { readonly error: string };

/** Starts the process inside the node's namespace that does it; it ends with its scope, or when this process does. */
export async function startBareAttach(namespace: NetworkNamespace, parent: string): Promise<BareAttach> {
  const program = fileURLToPath(new URL('./bare-attach-process.ts', import.meta.url));
  const child = namespace.spawn(process.execPath, [program, parent], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // As many threads as the node plugin has: deletions wait in them.
    env: { ...process.env, UV_THREADPOOL_SIZE: '24' },
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
