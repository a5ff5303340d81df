// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import { pause } from '../../runtime/pause.ts';
import { type AttachedDevice, attachmentKey, isLinkOf, isSandboxThere, listAttached } from '../cni/attachments.ts';
import type { Attachment } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Links } from '../links/links.ts';

/** A link in a sandbox. The link's MTU is below `attachment.mtu`, the MTU that ADD gave it. */
export interface LoweredLink extends AttachedDevice {
  readonly mtu: number;
}

/** The damaged links in sandboxes. A link that was deleted together with its parent is not included. */
export interface LinkDamage {
  readonly lost: readonly AttachedDevice[];
  readonly lowered: readonly LoweredLink[];
}

/** The result of the last comparison of links with the ledger. */
export interface AttachedLinks extends AsyncDisposable {
  readonly current: LinkDamage;
  /** Returns whether the link of the device's present attachment was found to be lost. */
  isLost(id: string): boolean;
  /** Calls the listener after each comparison whose result differs from the previous one, until disposed. */
  onChange(listener: () => void): Disposable;
}

export interface AttachedLinksOptions {
  /** How often the links are compared with the ledger. */
  readonly lookMs: number;
  readonly ledger: Pick<Ledger, 'entries' | 'get'>;
  readonly links: Pick<Links, 'getLink' | 'getLinkIn'>;
  /** The mutex for allocations and attachments. Its keys are link names. */
  readonly lock: KeyedMutex;
  /** Called with the damage that the previous comparison did not find. */
  readonly onDamage: (began: LinkDamage) => void;
  /** Called once when a link cannot be read, until it can be read again. Meanwhile, its previous result stays. */
  readonly onError: (error: MacvtapError) => void;
  readonly isSandboxThere?: (attachment: Attachment) => boolean;
}

type Damage = { readonly lost: AttachedDevice } | { readonly lowered: LoweredLink };
type DamageByKey = ReadonlyMap<string, Damage>;

/** A link with a lowered MTU can also be lost later. */
function isSameKind(damage: Damage, before: Damage | undefined): boolean {
  return before !== undefined && 'lost' in damage === 'lost' in before;
}

/**
 * Compares the links in sandboxes with what ADD created, until disposed. The comparison is repeated every `lookMs`,
 * because the kernel reports changes of a link only in the link's own network namespace. It finds two kinds of damage:
 * - A lost link, though its parent exists: the module macvtap was unloaded, or a process in the pod deleted the link.
 * - A lowered MTU. When the MTU of a parent is lowered, the kernel lowers the MTU of its macvtaps. When the MTU of the
 *   parent is raised again, the MTU of the macvtaps stays low (macvlan_device_event, drivers/net/macvlan.c).
 */
export function watchAttachedLinks(options: AttachedLinksOptions): AttachedLinks {
  const { ledger, lookMs, onDamage, onError } = options;
  const scope = new AbortController();
  const listeners = createListeners();
  let current: DamageByKey = new Map();
  let failures = new Set<string>();
  const look = async (): Promise<void> => {
    const failed = new Set<string>();
    const next = await findAll(options, current, scope.signal, (error) => {
      if (!failures.has(error.message)) onError(error);
      failed.add(error.message);
    });
    failures = failed;
    if (scope.signal.aborted) return;
    const before = current;
    current = next;
    const began = new Map([...next].filter(([key, damage]) => !isSameKind(damage, before.get(key))));
    if (began.size > 0) onDamage(toLists(began));
    if (began.size > 0 || next.size !== before.size) listeners.notify();
  };
  const looking = (async () => {
    while (!scope.signal.aborted) {
      await look().catch((thrown) => onError(MacvtapError.from(thrown)));
      await pause(lookMs, scope.signal, { ref: false });
    }
  })();
  return {
    get current() {
      return toLists(current);
    },
    isLost(id) {
      const record = ledger.get(id);
      if (record?.attachment === undefined) return false;
      const found = current.get(attachmentKey({ id, record: { ...record, attachment: record.attachment } }));
      return found !== undefined && 'lost' in found;
    },
    onChange: listeners.add,
    async [Symbol.asyncDispose]() {
      scope.abort(new MacvtapError('Aborted', 'links in sandboxes are no longer watched'));
      await looking;
    },
  };
}

async function findAll(
  options: AttachedLinksOptions,
  before: DamageByKey,
  signal: AbortSignal,
  onError: (error: MacvtapError) => void,
): Promise<DamageByKey> {
  const found = new Map<string, Damage>();
  for (const device of listAttached(options.ledger)) {
    if (signal.aborted) return before;
    const key = attachmentKey(device);
    const damage = await findDamage(device, options, signal).catch((thrown) => {
      if (!signal.aborted) onError(MacvtapError.from(thrown));
      return before.get(key);
    });
    if (damage !== undefined) found.set(key, damage);
  }
  return found;
}

async function findDamage(
  device: AttachedDevice,
  options: AttachedLinksOptions,
  signal: AbortSignal,
): Promise<Damage | undefined> {
  const { ledger, links, lock, isSandboxThere: isThere = isSandboxThere } = options;
  const { id, record } = device;
  const { attachment, ifindex, parentIfindex } = record;
  const readLink = async () => {
    const link = await links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
    return link !== undefined && isLinkOf(record, link) ? link : undefined;
  };
  if (!isThere(attachment)) return undefined;
  const link = await readLink();
  if (link !== undefined) {
    const { mtu } = link;
    return mtu < (attachment.mtu ?? 0) ? { lowered: { ...device, mtu } } : undefined;
  }
  // During an ADD or a DEL, the ledger may have an attachment without a link. ADD and DEL hold the lock, so the check
  // under the lock finds only links that are really lost.
  return await lock.run(
    [linkName(id)],
    async () => {
      const now = listAttached(ledger).find((attached) => attached.id === id);
      if (now === undefined || attachmentKey(now) !== attachmentKey(device)) return undefined;
      if ((await readLink()) !== undefined || !isThere(attachment)) return undefined;
      // If the parent is also gone, the node plugin reports the loss when it notices that the parent vanished.
      const parent = parentIfindex === undefined ? undefined : await links.getLink({ ifindex: parentIfindex }, signal);
      return parent === undefined ? undefined : { lost: device };
    },
    signal,
  );
}

function toLists(found: DamageByKey): LinkDamage {
  const all = [...found.values()];
  return {
    lost: all.flatMap((damage) => ('lost' in damage ? [damage.lost] : [])),
    lowered: all.flatMap((damage) => ('lowered' in damage ? [damage.lowered] : [])),
  };
}
