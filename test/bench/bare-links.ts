// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';

/** Makes macvtaps in a namespace with netlink requests only. */
export interface BareLinks extends AsyncDisposable {
  /** Makes this many macvtaps, at once or one after the other. Returns how long each took, in milliseconds. */
  create(count: number, atOnce: boolean): Promise<readonly number[]>;
}

/** An order to the process. */
export interface CreateOrder {
  readonly count: number;
  readonly atOnce: boolean;
}
export type CreateReport = readonly number[] | { readonly error: string };

/** Starts the process inside the namespace. It ends with its scope, or when this process ends. */
export async function startBareLinks(namespace: NetworkNamespace, parent: string): Promise<BareLinks> {
  const program = fileURLToPath(new URL('./bare-links-process.ts', import.meta.url));
  const child = namespace.spawn(process.execPath, [program, parent], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit');
  return {
    async create(count, atOnce) {
      const report = once(child, 'message');
      child.send({ count, atOnce } satisfies CreateOrder);
      const ended = exit.then(() => [{ error: 'the process that makes bare links ended' }]);
      const [message] = (await Promise.race([report, ended])) as [CreateReport];
      if ('error' in message) throw new Error(message.error);
      return message;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}
