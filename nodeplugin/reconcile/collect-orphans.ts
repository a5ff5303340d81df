// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedLock } from '../../runtime/keyed-lock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Links } from '../links/links.ts';
import { decideOrphans, type Orphan, orphanName } from './decide-orphans.ts';
import type { HeldTracker } from './held-tracker.ts';

export interface OrphanCollectorOptions {
  readonly graceMs: number;
  readonly links: Pick<Links, 'getLink' | 'deleteLink' | 'readInterfaces'>;
  readonly ledger: Pick<Ledger, 'entries' | 'forget'>;
  readonly held: Pick<HeldTracker, 'current'>;
  /** False while kubelet has not said what pods hold: then nothing is an orphan. */
  readonly isHeldKnown: () => boolean;
  /** The one that Allocate takes; its keys are the names of links. */
  readonly lock: KeyedLock;
  readonly onCollected: (what: string) => void;
  readonly onError: (error: MacvtapError) => void;
  /** Called after each look, for who waits for devices to come back. */
  readonly onLook: () => void;
}

/** Removes what stayed an orphan for the whole grace, until disposed. */
export function collectOrphans(options: OrphanCollectorOptions): AsyncDisposable {
  const { graceMs, links, isHeldKnown, onError, onLook } = options;
  const since = new Map<string, number>();
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    const now = performance.now();
    const interfaces = isHeldKnown() ? await links.readInterfaces() : [];
    const found = new Map(findOrphans(interfaces, options).map((orphan) => [orphanName(orphan), orphan]));
    for (const name of since.keys()) if (!found.has(name)) since.delete(name);
    for (const [name, orphan] of found) {
      const first = since.get(name) ?? now;
      since.set(name, first);
      if (now - first < graceMs) continue;
      await collect(orphan, interfaces, options).catch((thrown) => onError(MacvtapError.from(thrown)));
    }
    onLook();
  };
  const timer = setInterval(
    () => {
      looking = looking.then(look).catch((thrown) => onError(MacvtapError.from(thrown)));
    },
    Math.max(20, graceMs / 2),
  );
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}

function findOrphans(
  interfaces: readonly InterfaceFacts[],
  { isHeldKnown, ledger, held }: OrphanCollectorOptions,
): readonly Orphan[] {
  return isHeldKnown() ? decideOrphans(interfaces, ledger.entries(), held.current()) : [];
}

async function collect(
  orphan: Orphan,
  interfaces: readonly InterfaceFacts[],
  options: OrphanCollectorOptions,
): Promise<void> {
  const { links, ledger, lock, onCollected } = options;
  const name = 'device' in orphan ? linkName(orphan.device) : orphan.link;
  await lock.run([name], async () => {
    // Kubelet may have given the device out again, and its link with it, while this waited for its turn.
    if (!findOrphans(interfaces, options).some((still) => orphanName(still) === orphanName(orphan))) return;
    const link = await links.getLink({ name });
    const isIt = link?.kind === 'macvtap' && ('device' in orphan || link.ifindex === orphan.ifindex);
    if (isIt) await links.deleteLink(link.ifindex);
    if ('device' in orphan) await ledger.forget(orphan.device);
    if (isIt || 'device' in orphan) onCollected(orphanName(orphan));
  });
}
