// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { watchDirectory } from '../../runtime/watch-directory.ts';

/** The CAs that verify the certificates of clients. */
export interface ClientCa extends Disposable {
  /** PEM. */
  readonly current: string;
  onChange(listener: () => void): Disposable;
}

export interface FollowClientCaOptions {
  readonly file: string;
  /** Called when the file becomes unusable. The previous CAs then stay in use. */
  readonly onUnusable: (error: MacvtapError) => void;
  readonly pollMs?: number;
}

/**
 * The symbolic link that kubelet replaces when a mounted ConfigMap changes. Each file of the ConfigMap is a link to a
 * path below this one.
 */
const kubeletLink = '..data';

/**
 * Follows the file of `--client-ca-file`. Raises ClientCaUnusable if the file is unusable at the start, because it then
 * has none to fall back on.
 */
export function followClientCa({ file, onUnusable, pollMs = 5_000 }: FollowClientCaOptions): ClientCa {
  const path = resolve(file);
  const listeners = createListeners();
  let current = readCas(path);
  let reported: string | undefined;
  const look = (): void => {
    try {
      const found = readCas(path);
      reported = undefined;
      if (found === current) return;
      current = found;
      listeners.notify();
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      if (error.message !== reported) onUnusable(error);
      reported = error.message;
    }
  };
  const watching = watchDirectory({
    directory: dirname(path),
    isRelevant: (name) => name === basename(path) || name === kubeletLink,
    pollMs,
    onChange: look,
  });
  return {
    get current() {
      return current;
    },
    onChange: listeners.add,
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}

function readCas(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8');
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('the file contains no certificate');
    createSecureContext({ ca: pem });
    return pem;
  } catch (cause) {
    throw new MacvtapError(
      'ClientCaUnusable',
      `cannot use the client CAs in ${path}: ${MacvtapError.from(cause).message}; write PEM certificates`,
      {
        cause,
      },
    );
  }
}
