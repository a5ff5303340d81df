// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';

/** Does the work of an Allocate in separate parts: makes macvtaps with netlink requests, and writes to a file. */
export interface BareLinks extends AsyncDisposable {
  /** Makes this many macvtaps, at once or one after the other. Returns how long each took, in milliseconds. */
  create(count: number, atOnce: boolean): Promise<readonly number[]>;
  /**
   * Writes this many lines of the length of a ledger line, one after the other, and each durably (O_DSYNC). Like in the
   * ledger, the space in the file exists already. Returns how long each write took, in milliseconds.
   */
  append(count: number): Promise<readonly number[]>;
}

/** An order to the process. */
export interface BareOrder {
  readonly work: 'create' | 'append';
  readonly count: number;
  readonly atOnce: boolean;
}
export type BareReport = readonly number[] | { readonly error: string };

/**
 * Starts the process inside the namespace. It ends with its scope, or when this process ends. The process creates a
 * file for `append` in the directory.
 */
export async function startBareLinks(
  namespace: NetworkNamespace,
  parent: string,
  directory: string,
): Promise<BareLinks> {
  const program = fileURLToPath(new URL('./bare-links-process.ts', import.meta.url));
  const child = namespace.spawn(process.execPath, [program, parent, directory], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit');
  const order = async (wanted: BareOrder): Promise<readonly number[]> => {
    const report = once(child, 'message');
    child.send(wanted);
    const ended = exit.then(() => [{ error: 'the process that makes bare links ended' }]);
    const [message] = (await Promise.race([report, ended])) as [BareReport];
    if ('error' in message) throw new Error(message.error);
    return message;
  };
  return {
    create: (count, atOnce) => order({ work: 'create', count, atOnce }),
    append: (count) => order({ work: 'append', count, atOnce: false }),
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}
