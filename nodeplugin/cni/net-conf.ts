// SPDX-License-Identifier: Apache-2.0
import { isMode, type Mode } from '../../policy/plan/mode.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type CNIVersion, cniVersions, isCNIVersion } from './cni-version.ts';
import {
  boolean,
  isObject,
  type JSONObject,
  type KeyRule,
  mac,
  oneOf,
  rest,
  switches,
  text,
  wholeNumber,
} from './net-conf-rules.ts';

/** A network configuration, checked. */
export interface NetConf {
  readonly cniVersion: CNIVersion;
  readonly name: string;
  /** Absent or empty when the pod holds no device for the network: Multus says nothing then. */
  readonly deviceID?: string;
  readonly mode?: Mode;
  /** The mode was filled in from a policy and binds nobody. */
  readonly modeFromPolicy: boolean;
  /** The parent's when absent. */
  readonly mtu?: number;
  /** In the order of precedence, without CNI_ARGS: that one comes after `args`. */
  readonly macs: { readonly runtimeConfig?: string; readonly args?: string; readonly config?: string };
  readonly promiscMode: boolean;
  readonly owner: number;
  readonly group: number;
  readonly dns?: JSONObject;
  readonly prevResult?: JSONObject;
}

/** What libvirt runs virtual machines as in KubeVirt's images (qemu:qemu). */
const defaultOwner = 107;

const ownerRule = wholeNumber(0, 0xffff_fffe);

/**
 * Every key that is looked at, with what it must be. Others are let pass, as CNI wants it (capabilities, and whatever a
 * newer version defines); the webhook warns of those that look like a slip.
 */
const rules = {
  name: {
    expected: 'the name of the network',
    holds: (value) => typeof value === 'string' && /^[a-zA-Z0-9][\w.-]{0,252}$/.test(value),
    required: true,
  },
  deviceID: text,
  mode: { expected: 'bridge, private, vepa or passthru', holds: (value) => typeof value === 'string' && isMode(value) },
  modeFrom: oneOf('policy'),
  // ETH_MIN_MTU and ETH_MAX_MTU, linux/if_ether.h; upstream's plugin takes 0 for "not given".
  mtu: {
    expected: '0, or a whole number from 68 to 65535',
    holds: (value) => value === 0 || wholeNumber(68, 65_535).holds(value),
  },
  mac,
  promiscMode: boolean,
  owner: ownerRule,
  group: ownerRule,
  capabilities: switches,
  args: rest,
  'args.cni': rest,
  'args.cni.mac': mac,
  runtimeConfig: rest,
  'runtimeConfig.mac': mac,
  'runtimeConfig.deviceID': text,
  dns: rest,
  prevResult: rest,
  'prevResult.interfaces': {
    expected: 'a list of objects',
    holds: (value) => Array.isArray(value) && value.every(isObject),
  },
} as const satisfies Readonly<Record<string, KeyRule>>;

type Key = keyof typeof rules;

/**
 * Reads what the runtime writes to a plugin's standard input. Raises `NetConfUndecodable`, `CNIVersionUnsupported`,
 * `NetConfUnsupported`, and `NetConfInvalid` with everything that is wrong.
 */
export function parseNetConf(stdin: Uint8Array): NetConf {
  const object = decodeNetConf(stdin);
  const cniVersion = readVersion(object);
  checkSupported(object);
  const read = (key: Key): unknown => valueAt(object, key);
  const faults = (Object.keys(rules) as Key[]).flatMap((key) => faultOf(key, read(key)));
  if (faults.length > 0) {
    const name = typeof object.name === 'string' ? ` ${shown(object.name)}` : '';
    throw new MacvtapError(
      'NetConfInvalid',
      `the configuration of network${name} is not understood: ${faults.join('; ')}; change its NetworkAttachmentDefinition`,
      { facts: { faults: faults.length } },
    );
  }
  // From here on every value is what its rule says.
  const optional = <Value>(key: Key): Value | undefined => read(key) as Value | undefined;
  const given = <Name extends string, Value>(name: Name, value: Value | undefined) =>
    (value === undefined || value === null || value === '' ? {} : { [name]: value }) as { [N in Name]?: Value };
  return {
    cniVersion,
    name: String(object.name),
    ...given('deviceID', optional<string>('deviceID') || optional<string>('runtimeConfig.deviceID')),
    ...given('mode', optional<Mode>('mode')),
    modeFromPolicy: read('modeFrom') === 'policy',
    ...given('mtu', optional<number>('mtu') || undefined),
    macs: {
      ...given('runtimeConfig', optional<string>('runtimeConfig.mac')),
      ...given('args', optional<string>('args.cni.mac')),
      ...given('config', optional<string>('mac')),
    },
    promiscMode: read('promiscMode') === true,
    owner: optional<number>('owner') ?? defaultOwner,
    group: optional<number>('group') ?? defaultOwner,
    ...given('dns', optional<JSONObject>('dns')),
    ...given('prevResult', optional<JSONObject>('prevResult')),
  };
}

/** The object alone, for a command that must succeed whatever is in it. Raises `NetConfUndecodable`. */
export function decodeNetConf(stdin: Uint8Array): JSONObject {
  let detail = `it is ${stdin.length === 0 ? 'empty' : 'no JSON object'}`;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(stdin));
    if (isObject(value)) return value;
  } catch (thrown) {
    if (stdin.length > 0) detail = (thrown as Error).message;
  }
  throw new MacvtapError(
    'NetConfUndecodable',
    `the network configuration cannot be read: ${detail.slice(0, 200)}; change its NetworkAttachmentDefinition`,
  );
}

/** A value by the path of its keys, own ones only; undefined where an object on the way is none. */
export function valueAt(object: JSONObject, path: string): unknown {
  let value: unknown = object;
  for (const key of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function readVersion(object: JSONObject): CNIVersion {
  const version = valueAt(object, 'cniVersion');
  if (isCNIVersion(version)) return version;
  // SPEC.md: a configuration without one is of 0.1.0, whose results have no interfaces.
  const is = version === undefined ? 'missing, which means 0.1.0' : shown(version);
  throw new MacvtapError('CNIVersionUnsupported', `cniVersion is ${is}: write one of ${cniVersions.join(', ')}`);
}

/** What would change the pod's network if it were done, and cannot be passed over in silence; null, {} and [] ask for nothing. */
function checkSupported(object: JSONObject): void {
  const isEmpty = {
    ipam: (value: unknown) => isObject(value) && Object.keys(value).length === 0,
    'runtimeConfig.ips': (value: unknown) => Array.isArray(value) && value.length === 0,
  } as const;
  const asked = (['ipam', 'runtimeConfig.ips'] as const).filter((key) => {
    const value = valueAt(object, key) ?? undefined;
    return value !== undefined && !isEmpty[key](value);
  });
  if (asked.length === 0) return;
  const found = asked.map((key) => `${key} (${shown(valueAt(object, key))})`).join(' and ');
  throw new MacvtapError(
    'NetConfUnsupported',
    `the macvtap plugin gives out no IP addresses, and the configuration has ${found}: remove it, and let the virtual ` +
      'machine get its addresses from the network',
  );
}

function faultOf(key: Key, value: unknown): readonly string[] {
  const rule: KeyRule = rules[key];
  if (value === undefined) return rule.required ? [`${key} is missing`] : [];
  // Go writes the nil of an omitted map or slice as null.
  if ((value === null && !rule.required) || rule.holds(value)) return [];
  return [`${key} is ${shown(value)}, not ${rule.expected}`];
}

function shown(value: unknown): string {
  const json = write(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}

/** What was read can be too deep to be written. */
function write(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Array.isArray(value) ? '[…' : '{…';
  }
}
