// SPDX-License-Identifier: Apache-2.0
import { type JsonObject, ownValue } from '../../json.ts';

/**
 * Keys that name a parent: the obvious `parent`, macvlan's `master`, and macvtap-cni's `lowerDevice`. The webhook uses
 * them to choose the resource and to warn about a wrong parent. They have no other effect.
 */
const parentKeys = ['parent', 'master', 'lowerDevice'] as const;

/** Keys that both a plugin's config and the list of plugins may have. Source: CNI SPEC.md 1.1. */
const sharedKeys = ['cniVersion', 'name', 'type', 'disableCheck', 'disableGC', 'plugins'] as const;

/** Keys that CNI and Multus write into the config of any plugin. Source: CNI SPEC.md 1.1; Multus pkg/types/conf.go. */
const standardKeys = [
  ...sharedKeys,
  'args',
  'capabilities',
  'dns',
  'ipam',
  'ipMasq',
  'runtimeConfig',
  'prevResult',
  'deviceID',
  'pciBusID',
  'cni.dev/valid-attachments',
  'cni.dev/attachments',
] as const;

const ownKeys = ['mode', 'modeFrom', 'mtu', 'mac', 'promiscMode', 'multicast', 'owner', 'group'] as const;

/** All keys that have a meaning in a plugin's config. */
export const pluginKeys: ReadonlySet<string> = new Set([...ownKeys, ...parentKeys, ...standardKeys]);

/** The keys of the list that contains the plugins. Source: CNI SPEC.md 1.1, section 1. */
export const listKeys: ReadonlySet<string> = new Set([...sharedKeys, 'cniVersions', 'loadOnlyInlinedPlugins']);

/**
 * The known keys, grouped by the place of the object that contains them. For each place, the inner map has the folded
 * spelling of each key (see foldKey) and its exact spelling. The place `''` is the top of a text; `plugins[]` is any
 * object in the list `plugins`.
 *
 * @example new Map([['plugins[]', new Map([['cniversion', 'cniVersion']])]])
 */
export type KnownKeys = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Folds a key in the same way as Go's encoding/json when it looks for the matching field of a struct. Known keys
 * consist of ASCII letters. Besides ASCII letters, only U+017F (the long s) and U+212A (the Kelvin sign) fold to an
 * ASCII letter.
 * Source: encoding/json fold.go, foldRune; unicode.SimpleFold.
 */
export function foldKey(key: string): string {
  return key.replaceAll('\u017f', 's').toLowerCase();
}

/** Indexes the known keys of each place by their folded spelling. */
function knownKeysOf(places: Readonly<Record<string, Iterable<string>>>): KnownKeys {
  return new Map(
    Object.entries(places).map(([place, keys]) => [place, new Map([...keys].map((key) => [foldKey(key), key]))]),
  );
}

const runtimeKeys = ['mac', 'deviceID', 'ips'];

/** The keys that this project's CNI plugin reads in nested objects. Source: nodeplugin/cni/spec/net-conf.ts. */
const nestedKeys = { args: ['cni'], 'args.cni': ['mac'], runtimeConfig: runtimeKeys } as const;

/** The known keys of a network's config: one plugin, or a list of them. */
export const configKeys: KnownKeys = knownKeysOf({
  '': [...listKeys, ...pluginKeys],
  ...nestedKeys,
  'plugins[]': pluginKeys,
  ...Object.fromEntries(Object.entries(nestedKeys).map(([place, keys]) => [`plugins[].${place}`, keys])),
});

/** The known keys of a plugin's standard input. */
export const pluginInputKeys: KnownKeys = knownKeysOf({ '': pluginKeys, ...nestedKeys });

/** The known keys of macvtap-cni's configuration. Source: macvtap-cni pkg/deviceplugin/lister.go, macvtapConfig. */
export const explicitKeys: KnownKeys = knownKeysOf({ '[]': ['name', 'lowerDevice', 'mode', 'capacity'] });

/**
 * The known keys in a pod's list of networks in JSON syntax.
 * Source: Multus pkg/types/types.go and network-attachment-definition-client pkg/apis types.go,
 * NetworkSelectionElement.
 */
export const selectionKeys: KnownKeys = knownKeysOf({
  '[]': [
    'name',
    'namespace',
    'interface',
    'interfaceRequest',
    'mac',
    'ips',
    'infiniband-guid',
    'portMappings',
    'bandwidth',
    'deviceID',
    'cni-args',
    'default-route',
    'ipam-claim-reference',
  ],
  '[].cni-args': ['mac'],
});

/** Returns the parents that a config names: `[{ key: 'master', value: 'eth0' }]`. */
export function parentsOf(conf: JsonObject): readonly { readonly key: string; readonly value: string }[] {
  return parentKeys.flatMap((key) => {
    const value = ownValue(conf, key);
    return typeof value === 'string' && value !== '' ? [{ key, value }] : [];
  });
}
