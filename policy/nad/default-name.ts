// SPDX-License-Identifier: Apache-2.0
import { isLegalNetworkName } from './check-name.ts';
import type { NadDefault } from './rule.ts';

/**
 * A CNI network has a name; Multus would give it the object's at run time, other readers of the config would not.
 *
 * Adds `name` at the top of the config. An object whose own name is still to be generated gives none, nor does one whose
 * name the API server is about to refuse.
 */
export const defaultName: NadDefault = ({ name, config }) =>
  name === undefined || !isLegalNetworkName(name) || config === undefined || Object.hasOwn(config.tree, 'name')
    ? {}
    : { keys: [{ object: '', key: 'name', value: name }] };
