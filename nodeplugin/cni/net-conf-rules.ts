// SPDX-License-Identifier: Apache-2.0
import { parseMACAddress } from '../links/parse-mac-address.ts';

export type JSONObject = Readonly<Record<string, unknown>>;

/** What the value of a key must be, and how that is told. */
export interface KeyRule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
  readonly required?: true;
}

export function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a link can have the address: six bytes, of one station, not all zero (is_valid_ether_addr, linux/etherdevice.h). */
export function isUnicastMAC(value: string): boolean {
  const bytes = parseMACAddress(value);
  return bytes !== undefined && ((bytes[0] ?? 0) & 1) === 0 && bytes.some((byte) => byte !== 0);
}

export const text: KeyRule = {
  expected: 'a text of at most 253 characters',
  holds: (value) => typeof value === 'string' && value.length <= 253,
};

/** An empty one counts as none: Multus and templates write it so. */
export const mac: KeyRule = {
  expected: 'a unicast MAC address like 52:54:00:12:34:56',
  holds: (value) => value === '' || (typeof value === 'string' && isUnicastMAC(value)),
};

export const boolean: KeyRule = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };

export const rest: KeyRule = { expected: 'an object', holds: isObject };

export const switches: KeyRule = {
  expected: 'an object of true and false',
  holds: (value) => isObject(value) && Object.values(value).every((each) => each === null || typeof each === 'boolean'),
};

export function oneOf(...choices: readonly string[]): KeyRule {
  return { expected: choices.join(' or '), holds: (value) => choices.some((choice) => choice === value) };
}

export function wholeNumber(least: number, most: number): KeyRule {
  return {
    expected: `a whole number from ${least} to ${most}`,
    holds: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  };
}
