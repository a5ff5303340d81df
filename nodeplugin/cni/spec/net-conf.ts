// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../../../policy/json.ts';
import { describeAmbiguous } from '../../../policy/nad/check-ambiguous-keys.ts';
import { pluginInputKeys } from '../../../policy/nad/config/known-keys.ts';
import { scanConfig } from '../../../policy/nad/config/scan-config.ts';
import type { Mode } from '../../../policy/plan/resource.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { type CNIVersion, cniVersions, isCNIVersion } from './cni-protocol.ts';
import { faultOf, type Key, keyRules, shown } from './net-conf-keys.ts';

/** A validated network configuration. */
export interface NetConf {
  readonly cniVersion: CNIVersion;
  readonly name: string;
  /** Absent if the pod holds no device for the network. Multus then omits the key or leaves it empty. */
  readonly deviceID?: string;
  readonly mode?: Mode;
  /** Whether the webhook filled in the mode from a policy. If so, the network's author did not request the mode. */
  readonly modeFromPolicy: boolean;
  /** If absent, the link gets the parent's MTU. */
  readonly mtu?: number;
  /**
   * The requested MAC addresses in order of precedence. CNI_ARGS is not part of the configuration, and comes after
   * `args`.
   */
  readonly macs: { readonly runtimeConfig?: string; readonly args?: string; readonly config?: string };
  readonly promiscMode: boolean;
  /**
   * With `all`, the guest receives all multicast groups. With `none`, it receives only broadcast and the few groups
   * that the pod's network stack joins. CHECK ignores this setting, because links that older versions of the node
   * plugin created lack IFF_ALLMULTI.
   */
  readonly multicast: 'all' | 'none';
  readonly owner: number;
  readonly group: number;
  /** Descriptions of keys that have no effect, for the log: `ipam ({"type":"host-local"})`. */
  readonly ignored: readonly string[];
  readonly dns?: JsonObject;
  readonly prevResult?: JsonObject;
}

/** The user and group of qemu in KubeVirt's images (qemu:qemu). */
const defaultOwner = 107;

/**
 * Parses the network configuration from a plugin's standard input. Raises `NetConfUndecodable`,
 * `CNIVersionUnsupported`, and `NetConfInvalid` with all errors.
 */
export function parseNetConf(stdin: Uint8Array): NetConf {
  const object = decodeNetConf(stdin);
  const cniVersion = readVersion(object);
  const read = (key: Key): unknown => valueAt(object, key);
  const faults = [
    ...findAmbiguous(stdin),
    ...(Object.keys(keyRules) as Key[]).flatMap((key) => faultOf(key, read(key))),
  ];
  if (faults.length > 0) {
    const name = typeof object.name === 'string' ? ` ${shown(object.name)}` : '';
    throw new MacvtapError(
      'NetConfInvalid',
      `the configuration of network${name} is invalid: ${faults.join('; ')}; change its NetworkAttachmentDefinition`,
      { facts: { faults: faults.length } },
    );
  }
  // From here on every value matches its rule.
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
    multicast: read('multicast') === 'none' ? 'none' : 'all',
    owner: optional<number>('owner') ?? defaultOwner,
    group: optional<number>('group') ?? defaultOwner,
    ignored: readIgnored(read),
    ...given('dns', optional<JsonObject>('dns')),
    ...given('prevResult', optional<JsonObject>('prevResult')),
  };
}

/** The maximum number of ambiguous keys that an error lists. */
const maxAmbiguous = 4;

/**
 * Finds keys that Go's encoding/json reads differently from JSON.parse: keys that are repeated, or differ from a known
 * key only in case. Multus and libcni are written in Go. Without this check, they could use another value than the one
 * that was validated here.
 */
function findAmbiguous(stdin: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(stdin);
  const scan = scanConfig(text, { known: pluginInputKeys, anyNumber: true });
  if ('fault' in scan) return [scan.fault.text];
  return scan.layout.ambiguous.slice(0, maxAmbiguous).map((found) => describeAmbiguous(text, found));
}

/** The decoded configurations of requests in progress. Each request needs its configuration several times. */
const decoded = new WeakMap<Uint8Array, JsonObject>();

/**
 * Decodes the JSON object without validating its content, for commands that accept any content. `stdin` must not change
 * afterwards. Raises `NetConfUndecodable`.
 */
export function decodeNetConf(stdin: Uint8Array): JsonObject {
  const before = decoded.get(stdin);
  if (before !== undefined) return before;
  let detail = `it is ${stdin.length === 0 ? 'empty' : 'not a JSON object'}`;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(stdin));
    if (isJsonObject(value)) {
      decoded.set(stdin, value);
      return value;
    }
  } catch (thrown) {
    if (stdin.length > 0) detail = (thrown as Error).message;
  }
  throw new MacvtapError(
    'NetConfUndecodable',
    `the network configuration cannot be read: ${detail.slice(0, 200)}; change its NetworkAttachmentDefinition`,
  );
}

/**
 * Reads a value by the path of its keys. Only own properties are read. Returns undefined if the path does not exist.
 */
export function valueAt(object: JsonObject, path: string): unknown {
  // Most paths are one key.
  if (!path.includes('.')) return Object.hasOwn(object, path) ? object[path] : undefined;
  let value: unknown = object;
  for (const key of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function readVersion(object: JsonObject): CNIVersion {
  const version = valueAt(object, 'cniVersion');
  if (isCNIVersion(version)) return version;
  // According to SPEC.md, a configuration without a version has version 0.1.0. Results of that version have no
  // interfaces.
  const is = version === undefined ? 'missing, which means 0.1.0' : shown(version);
  throw new MacvtapError('CNIVersionUnsupported', `cniVersion is ${is}: write one of ${cniVersions.join(', ')}`);
}

/**
 * Lists the keys that request IP addresses. They have no effect, because the plugin does not assign addresses. The
 * values null, {} and [] request nothing.
 */
function readIgnored(read: (key: Key) => unknown): readonly string[] {
  const ipam = read('ipam') ?? {};
  const ips = read('runtimeConfig.ips') ?? [];
  return [
    ...(Object.keys(ipam).length === 0 ? [] : [`ipam (${shown(ipam)})`]),
    ...(Object.keys(ips).length === 0 ? [] : [`runtimeConfig.ips (${shown(ips)})`]),
  ];
}
