// SPDX-License-Identifier: Apache-2.0
import { quote } from '../json.ts';
import { warn } from '../reasons.ts';
import { pluginType } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/**
 * Warns if a network with a resource of this project has a plugin whose type is almost macvtap, such as `macvatp` or
 * `Macvtap`. The type is usually misspelled. The network's pods get a device, but fail because the CNI runtime does
 * not find a program with this name. This is only a warning, because a plugin of another vendor may have such a name.
 *
 * Reads type and plugins[].type of the config. Emits TypeMisspelled.
 */
export const checkTypeName: NadRule = ({ misspelledTypes }) =>
  misspelledTypes.map(({ path, type }) => warn('TypeMisspelled', path, `${quote(type)}: did you mean ${pluginType}?`));
