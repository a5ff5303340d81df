// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Links, openLinks } from './links.ts';
import { type MacvtapSupport, watchMacvtapSupport } from './macvtap-support.ts';
import type { InterfaceWatch } from './watch-interfaces.ts';

/** The node's links, and the current facts about its interfaces. */
export interface NodeLinks extends AsyncDisposable {
  readonly links: Links;
  readonly interfaces: InterfaceWatch;
  readonly support: MacvtapSupport;
  /** Returns the current facts about the node's interface with that name. */
  findInterface(name: string): InterfaceFacts | undefined;
}

export interface NodeLinksOptions {
  readonly signal: AbortSignal;
  /** Called with the macvtap support, before interfaces are read. */
  readonly onSupport: (support: MacvtapSupport) => Disposable;
  /** Called with each failure of a method of `links`. */
  readonly onError: (error: MacvtapError) => void;
  /** Called when reading the interfaces fails. The reading is repeated. */
  readonly onUnread: (error: MacvtapError) => void;
}

/** How many deletions may overlap. main.ts gives libuv more threads than that, so that files can still be read. */
const removalsAtOnce = 16;

/**
 * Opens the links of the process's network namespace and watches them. Raises `NetlinkUnavailable` and
 * `MissingCapability`.
 */
export async function openNodeLinks({ signal, onSupport, onError, onUnread }: NodeLinksOptions): Promise<NodeLinks> {
  await using undo = new AsyncDisposableStack();
  const opened = undo.use(await openLinks({ removalsAtOnce }));
  const support = undo.use(await watchMacvtapSupport({ links: opened, signal }));
  undo.use(onSupport(support));
  const links = observeLinks(opened, onError);
  const interfaces = undo.use(await links.watchInterfaces(onUnread));
  const held = undo.move();
  return {
    links,
    interfaces,
    support,
    findInterface: (name) => interfaces.current.find((nic) => nic.name === name),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

type Method = (...args: never[]) => Promise<unknown>;

/** Wraps links so that `onError` gets every failure except `Aborted`. */
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
  const observed = Object.fromEntries(methods.map(([name, method]) => [name, observe(method)]));
  return { ...links, ...observed, onRemoval: links.onRemoval };
}
