// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Links } from './links.ts';

type Method = (...args: never[]) => Promise<unknown>;

/** The same links, of whose failures somebody hears, but for what was only given up. */
export function observeLinks(links: Links, onError: (error: MacvtapError) => void): Links {
  const observe = (method: Method): Method => {
    return async (...args) => {
      try {
        return await method(...args);
      } catch (thrown) {
        const error = MacvtapError.from(thrown);
        if (error.code !== 'Aborted') onError(error);
        throw thrown;
      }
    };
  };
  const methods = Object.entries(links as unknown as Readonly<Record<string, Method>>);
  return { ...links, ...Object.fromEntries(methods.map(([name, method]) => [name, observe(method)])) };
}
