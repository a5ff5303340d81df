// SPDX-License-Identifier: Apache-2.0
import { deny, warn } from '../reasons.ts';
import { configPath, findTypeFaults, hasType, maxPlugins, pluginType } from './find-plugins.ts';
import type { NadRule } from './rule.ts';

/**
 * A config is for one plugin, and has a type, or it is a list of plugins, an object with a type each. With both Multus
 * runs the type and ignores the list. At most 64 of them are of type macvtap: each is judged and completed.
 *
 * Reads type, plugins and plugins[].type of the config. Emits TypeMissing, PluginsIgnored, PluginsTooMany.
 */
export const checkPlugins: NadRule = ({ config, plugins }) => {
  if (config === undefined) return [];
  const { tree } = config;
  if (hasType(tree) && Object.hasOwn(tree, 'plugins')) {
    return [warn('PluginsIgnored', `${configPath}.plugins`, 'remove the type or the plugins')];
  }
  const faults = findTypeFaults(tree).map(({ path, text }) => deny('TypeMissing', path, text));
  if (plugins.length <= maxPlugins) return faults;
  return [...faults, deny('PluginsTooMany', `${configPath}.plugins`, `more than ${maxPlugins} of type ${pluginType}`)];
};
