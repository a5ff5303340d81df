// SPDX-License-Identifier: Apache-2.0
import { isMode } from '../../policy/plan/mode.ts';
import type { Attachment, DeviceRecord } from './device-record.ts';

/** What a value must be, and how that is told. */
export interface Field {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
  readonly optional?: true;
}

export type Fields = Readonly<Record<string, Field>>;

const text: Field = { expected: 'a text', holds: (value) => typeof value === 'string' && value !== '' };

const count: Field = {
  expected: 'a whole number from 0',
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};

const mode: Field = { expected: 'a macvtap mode', holds: (value) => typeof value === 'string' && isMode(value) };

/** The kernel's ifindex is a positive int. */
const ifindex: Field = {
  expected: 'a link index',
  holds: (value) => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 0x7fff_ffff,
};

const mac: Field = {
  expected: 'a MAC address',
  holds: (value) => typeof value === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value),
};

/** Every field of a device but its attachment; the type makes the compiler compare it with the record's. */
export const deviceFields = {
  resource: text,
  parent: text,
  parentIfindex: { ...ifindex, optional: true },
  mode,
  ifindex,
  attempt: count,
  nodeName: { ...text, optional: true },
  pod: { ...text, optional: true },
  lastUsed: count,
} as const satisfies Record<Exclude<keyof DeviceRecord, 'attachment'>, Field>;

export const attachmentFields = {
  containerID: text,
  ifname: text,
  netnsPath: text,
  netnsInode: count,
  mac,
  podUID: { ...text, optional: true },
  network: { ...text, optional: true },
} as const satisfies Record<keyof Attachment, Field>;
