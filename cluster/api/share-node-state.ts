// SPDX-License-Identifier: Apache-2.0
import { isRecord } from '../objects/known-object.ts';
import type { Sharer } from '../objects/share-equal.ts';
import type { ApiObject } from './api-object.ts';

/** What interfaces of one make, in one slot, have in common on every node; never their addresses. */
const alike = ['name', 'altNames', 'kind', 'driver', 'pciAddress', 'vendorID', 'deviceID', 'master'] as const;

/**
 * A NodeState that shares with those before it what it says alike: nodes of one kind under the same policies expose the
 * same and say the same of what they skip, which is nine tenths of a state. Takes any value in any place.
 */
export function shareNodeState(object: ApiObject, sharer: Sharer): ApiObject {
  const { status } = object;
  if (!isRecord(status)) return object;
  const fields = Object.entries(status).map(([field, value]) => [
    field,
    field === 'interfaces' ? shareInterfaces(value, sharer) : shareValue(value, sharer),
  ]);
  return { ...object, status: Object.fromEntries(fields) };
}

function shareInterfaces(interfaces: unknown, sharer: Sharer): unknown {
  if (!Array.isArray(interfaces)) return interfaces;
  return interfaces.map((nic: unknown) => {
    if (!isRecord(nic)) return nic;
    const shared = { ...nic };
    for (const field of alike) if (nic[field] !== undefined) shared[field] = shareValue(nic[field], sharer);
    return shared;
  });
}

function shareValue(value: unknown, sharer: Sharer): unknown {
  return Array.isArray(value) ? sharer.list(value) : sharer.value(value);
}
