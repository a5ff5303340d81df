// SPDX-License-Identifier: Apache-2.0

import type { JsonObject } from '../json-object.ts';
import { nearestNames } from '../nearest-names.ts';
import { quote, shorten } from '../quote.ts';
import { type Verdict, warn } from '../reasons.ts';
import { configPath } from './find-plugins.ts';
import { parentKeys } from './parent-keys.ts';
import type { NadRule } from './rule.ts';

/** What CNI and Multus write into the config of any plugin. Source: CNI SPEC.md 1.1; Multus pkg/types/conf.go. */
const standardKeys = [
  'cniVersion',
  'name',
  'type',
  'args',
  'capabilities',
  'dns',
  'ipam',
  'ipMasq',
  'runtimeConfig',
  'prevResult',
  'disableCheck',
  'disableGC',
  'plugins',
  'deviceID',
  'pciBusID',
  'cni.dev/valid-attachments',
  'cni.dev/attachments',
];

const ownKeys = ['mode', 'modeFrom', 'mtu', 'mac', 'promiscMode', 'owner', 'group'];

const pluginKeys: ReadonlySet<string> = new Set([...ownKeys, ...parentKeys, ...standardKeys]);

/** Of a list of plugins. Source: CNI SPEC.md 1.1, section 1. */
const listKeys: ReadonlySet<string> = new Set([
  'cniVersion',
  'cniVersions',
  'name',
  'disableCheck',
  'disableGC',
  'loadOnlyInlinedPlugins',
  'plugins',
  'type',
]);

/** More of them help nobody, and a hostile config could have a hundred thousand. */
const maxKeys = 8;

/**
 * A key that no reader of the config knows does nothing, and is most often a slip; the nearest known key is named. CNI
 * allows others, so it is only told.
 *
 * Reads the keys of the macvtap plugin, and of the list around it. Emits UnknownKey.
 */
export const checkKnownKeys: NadRule = ({ config, plugins }) => [
  ...(config === undefined || plugins.some(({ object }) => object === '')
    ? []
    : unknownKeys(config.tree, configPath, listKeys)),
  ...plugins.flatMap(({ conf, path }) => unknownKeys(conf, path, pluginKeys)),
];

function unknownKeys(object: JsonObject, path: string, known: ReadonlySet<string>): readonly Verdict[] {
  const unknown = Object.keys(object).filter((key) => !known.has(key));
  return unknown.slice(0, maxKeys).map((key) => {
    const [near] = nearestNames(key, [...known]);
    const more = unknown.length > maxKeys ? `; ${unknown.length} such keys in all` : '';
    return warn(
      'UnknownKey',
      `${path}.${shorten(key)}`,
      `${quote(key)}${near === undefined ? '' : `: did you mean ${near}?`}${more}`,
    );
  });
}
