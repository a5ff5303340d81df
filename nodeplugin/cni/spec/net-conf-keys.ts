// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../../policy/json.ts';
import { isLegalMtu, mtuBounds } from '../../../policy/nad/check-mtu.ts';
import { isMode } from '../../../policy/plan/resource.ts';
import { parseMACAddress } from '../../netlink/link-message.ts';

/** The rule for a key's value, with the text that an error shows. */
export interface KeyRule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
  readonly required?: true;
}

/**
 * Returns whether a link can have the address: it must be six bytes long, unicast and not all zero
 * (is_valid_ether_addr, linux/etherdevice.h).
 */
export function isUnicastMAC(value: string): boolean {
  const bytes = parseMACAddress(value);
  return bytes !== undefined && ((bytes[0] ?? 0) & 1) === 0 && bytes.some((byte) => byte !== 0);
}

const text: KeyRule = {
  expected: 'a text of at most 253 characters',
  holds: (value) => typeof value === 'string' && value.length <= 253,
};

/** The rule for MAC addresses. An empty value is allowed: Multus and templates write it if no address is requested. */
const mac: KeyRule = {
  expected: 'a unicast MAC address like 52:54:00:12:34:56',
  holds: (value) => value === '' || (typeof value === 'string' && isUnicastMAC(value)),
};

const boolean: KeyRule = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };

const rest: KeyRule = { expected: 'an object', holds: isJsonObject };

const switches: KeyRule = {
  expected: 'an object of true and false',
  holds: (value) =>
    isJsonObject(value) && Object.values(value).every((each) => each === null || typeof each === 'boolean'),
};

function oneOf(...choices: readonly string[]): KeyRule {
  return { expected: choices.join(' or '), holds: (value) => choices.some((choice) => choice === value) };
}

function wholeNumber(least: number, most: number): KeyRule {
  return {
    expected: `a whole number from ${least} to ${most}`,
    holds: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  };
}

const ownerRule = wholeNumber(0, 0xffff_fffe);

/**
 * The rules for all keys that the plugin reads. Unknown keys are accepted: CNI requires this for capabilities and for
 * keys of newer versions. The webhook warns about keys that look like typing errors.
 */
export const keyRules = {
  name: {
    expected: 'the name of the network',
    holds: (value) => typeof value === 'string' && /^[a-zA-Z0-9][\w.-]{0,252}$/.test(value),
    required: true,
  },
  deviceID: text,
  mode: { expected: 'bridge, private, vepa or passthru', holds: (value) => typeof value === 'string' && isMode(value) },
  modeFrom: oneOf('policy'),
  // In macvtap-cni, 0 means that no MTU is requested.
  mtu: {
    expected: `0, or a whole number from ${mtuBounds.least} to ${mtuBounds.most}`,
    holds: (value) => value === 0 || isLegalMtu(value),
  },
  mac,
  promiscMode: boolean,
  multicast: oneOf('all', 'none'),
  owner: ownerRule,
  group: ownerRule,
  capabilities: switches,
  args: rest,
  'args.cni': rest,
  'args.cni.mac': mac,
  runtimeConfig: rest,
  'runtimeConfig.mac': mac,
  'runtimeConfig.deviceID': text,
  'runtimeConfig.ips': { expected: 'a list', holds: Array.isArray },
  ipam: rest,
  dns: rest,
  prevResult: rest,
  'prevResult.interfaces': {
    expected: 'a list of objects',
    holds: (value) => Array.isArray(value) && value.every(isJsonObject),
  },
} as const satisfies Readonly<Record<string, KeyRule>>;

export type Key = keyof typeof keyRules;

export function faultOf(key: Key, value: unknown): readonly string[] {
  const rule: KeyRule = keyRules[key];
  if (value === undefined) return rule.required ? [`${key} is missing`] : [];
  // Go encodes a nil map or slice as null.
  if ((value === null && !rule.required) || rule.holds(value)) return [];
  return [`${key} is ${shown(value)}, not ${rule.expected}`];
}

export function shown(value: unknown): string {
  const json = write(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}

/** Encodes a value, or abbreviates it if it is too deeply nested for JSON.stringify. */
function write(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Array.isArray(value) ? '[…' : '{…';
  }
}
