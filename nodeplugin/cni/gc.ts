// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type AttachedDevice, type AttachmentKey, listAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import type { NetConf } from './net-conf.ts';
import { decodeNetConf } from './net-conf.ts';
import { isObject } from './net-conf-rules.ts';
import { removeAttachment } from './remove-attachment.ts';

/**
 * Where a runtime lists the attachments that it knows (SPEC.md, "GC"), and where it did so before the specification was
 * corrected; libcni writes both. The dot keeps `valueAt` from reading them.
 */
const validKeys = ['cni.dev/valid-attachments', 'cni.dev/attachments'] as const;

/**
 * Removes the attachments of this network that the runtime does not name; those of other networks are not its business.
 * All of them are tried, and then the first failure is raised. Raises `NetConfInvalid` when the list is not there: taken
 * for empty it would cut every pod.
 */
export async function gc(conf: NetConf, stdin: Uint8Array, context: CNIContext, signal: AbortSignal): Promise<void> {
  const valid = readValid(stdin, conf.name);
  const isStale = ({ record: { attachment } }: AttachedDevice) =>
    attachment.network === conf.name &&
    !valid.some(({ containerID, ifname }) => containerID === attachment.containerID && ifname === attachment.ifname);
  const failures: unknown[] = [];
  const collected: string[] = [];
  for (const { id } of listAttached(context.ledger).filter(isStale)) {
    const remove = async () => {
      // The device may have come to another pod while this waited for its turn.
      const device = listAttached(context.ledger).find((attached) => attached.id === id && isStale(attached));
      if (device === undefined) return;
      await removeAttachment(device, context, signal);
      collected.push(id);
    };
    await context.lock.run([linkName(id)], remove, signal).catch((thrown) => failures.push(thrown));
  }
  if (collected.length > 0) context.onCollected?.(conf.name, collected);
  if (failures.length > 0) throw failures[0];
}

function readValid(stdin: Uint8Array, network: string): readonly AttachmentKey[] {
  const object = decodeNetConf(stdin);
  const validKey = validKeys.find((key) => Object.hasOwn(object, key)) ?? validKeys[0];
  // Go writes the nil of an empty slice as null; a key that is missing is something else.
  const list = object[validKey] === null ? [] : object[validKey];
  const isEntry = (entry: unknown): entry is AttachmentKey =>
    isObject(entry) && typeof entry.containerID === 'string' && typeof entry.ifname === 'string';
  if (Array.isArray(list) && list.every(isEntry)) return list;
  throw new MacvtapError(
    'NetConfInvalid',
    `${validKey} of network ${network} is not a list of objects with containerID and ifname, and GC cannot tell what to keep; see how the container runtime calls its CNI plugins`,
    { facts: { network } },
  );
}
