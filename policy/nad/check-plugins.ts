// SPDX-License-Identifier: Apache-2.0
import { deny, warn } from '../reasons.ts';
import { configPath, findTypeFaults, hasType, maxPlugins, pluginType } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/**
 * Checks that the config has a type or a list of plugins. Each plugin in the list must be an object with a type. If the
 * config has a type and a list, Multus uses the type and ignores the list. At most 64 plugins may have type macvtap,
 * because the webhook checks and completes each of them.
 *
 * Reads type, plugins and plugins[].type of the config. Emits TypeMissing, PluginsIgnored, PluginsTooMany.
 */
export const checkPlugins: NadRule = ({ config, plugins }) => {
  if (config === undefined) return [];
  const { tree } = config;
  const faults = findTypeFaults(tree).map(({ path, text }) => deny('TypeMissing', path, text));
  if (hasType(tree) && Object.hasOwn(tree, 'plugins')) {
    return [...faults, warn('PluginsIgnored', `${configPath}.plugins`, 'remove the type or the plugins')];
  }
  if (plugins.length <= maxPlugins) return faults;
  return [...faults, deny('PluginsTooMany', `${configPath}.plugins`, `more than ${maxPlugins} of type ${pluginType}`)];
};
