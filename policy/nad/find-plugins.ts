// SPDX-License-Identifier: Apache-2.0

import { type JsonObject, ownValue } from '../json-object.ts';
import { quote } from '../quote.ts';

/** The type of our CNI plugin. */
export const pluginType = 'macvtap';

/** A part of the config that our CNI plugin gets. */
export interface MacvtapPlugin {
  /** `''` for the object at the top, else `plugins[1]`. */
  readonly object: string;
  /** Where a verdict says that it stands: `spec.config`, `spec.config.plugins[1]`. */
  readonly path: string;
  readonly conf: JsonObject;
}

/** Why nobody can run a config: `{ path: 'spec.config.plugins[1]', text: 'null instead of an object with a type' }`. */
export interface TypeFault {
  readonly path: string;
  readonly text: string;
}

/** The path of the config in its object. */
export const configPath = 'spec.config';

/** A config has one part of ours, or a few; a hostile one could have fifty thousand, each to be judged and completed. */
export const maxPlugins = 64;

/** More faults of one kind help nobody, and a hostile list could have a hundred thousand. */
const maxFaults = 8;

/**
 * The parts of a config that are ours; of more than `maxPlugins` as many and one. Where the top has a type, Multus runs that and ignores the list of plugins.
 * Source: Multus pkg/types/conf.go, LoadDelegateNetConf.
 */
export function findPlugins(tree: JsonObject): readonly MacvtapPlugin[] {
  if (hasType(tree)) return ownValue(tree, 'type') === pluginType ? [{ object: '', path: configPath, conf: tree }] : [];
  return listOf(tree)
    .map((conf, index) => ({ conf, index }))
    .filter((plugin): plugin is { conf: JsonObject; index: number } => ownValue(plugin.conf, 'type') === pluginType)
    .slice(0, maxPlugins + 1)
    .map(({ conf, index }) => ({ object: `plugins[${index}]`, path: `${configPath}.plugins[${index}]`, conf }));
}

/** Whether the config is one for a single plugin, which has a type; an empty one counts as none, as in Go. */
export function hasType(tree: JsonObject): boolean {
  return (ownValue(tree, 'type') ?? '') !== '';
}

/**
 * Why nobody can run this config; the first few of the reasons. Every plugin of a list needs a type.
 * Source: libcni/api.go, NetworkPluginConfFromBytes.
 */
export function findTypeFaults(tree: JsonObject): readonly TypeFault[] {
  const type = ownValue(tree, 'type');
  if (hasType(tree)) {
    return isText(type) ? [] : [{ path: `${configPath}.type`, text: `${quote(type)} instead of text` }];
  }
  const plugins = ownValue(tree, 'plugins');
  if (plugins === undefined)
    return [{ path: configPath, text: `neither type nor plugins: write "type": "${pluginType}"` }];
  const path = `${configPath}.plugins`;
  if (!Array.isArray(plugins)) return [{ path, text: `${quote(plugins)} instead of a list` }];
  if (plugins.length === 0) return [{ path, text: `an empty list: put {"type": "${pluginType}"} into it` }];
  return plugins
    .map((plugin, index) => ({ plugin, index }))
    .filter(({ plugin }) => !isText(ownValue(plugin, 'type')))
    .slice(0, maxFaults)
    .map(({ plugin, index }) => ({
      path: `${path}[${index}]`,
      text: `${quote(plugin)} instead of an object with a type`,
    }));
}

function listOf(tree: JsonObject): readonly unknown[] {
  const plugins = ownValue(tree, 'plugins');
  return Array.isArray(plugins) ? plugins : [];
}

function isText(type: unknown): boolean {
  return typeof type === 'string' && type !== '';
}
