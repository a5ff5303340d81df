// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { type Links, openLinks } from './links.ts';
import { observeLinks } from './observe-links.ts';
import type { InterfaceWatch } from './watch-interfaces.ts';
import { type MacvtapSupport, watchMacvtapSupport } from './watch-macvtap-support.ts';

/** The node's links: what can be done with them, and their facts as they stand. */
export interface NodeLinks extends AsyncDisposable {
  readonly links: Links;
  readonly interfaces: InterfaceWatch;
  readonly support: MacvtapSupport;
  /** The node's interface of that name, as it stands now. */
  findInterface(name: string): InterfaceFacts | undefined;
}

export interface NodeLinksOptions {
  readonly signal: AbortSignal;
  /** Told first, before interfaces are read. */
  readonly onSupport: (support: MacvtapSupport) => Disposable;
  /** Each failure of what `links` does. */
  readonly onError: (error: MacvtapError) => void;
  /** Readings of interfaces that failed, and are repeated. */
  readonly onUnread: (error: MacvtapError) => void;
}

/** Beside them libuv's threads, of which main.ts asks for more, have to serve files. */
const removalsAtOnce = 16;

/** Opens the links of the process's network namespace and follows them. Raises `NetlinkUnavailable`, `MissingCapability`. */
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
