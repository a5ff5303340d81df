// SPDX-License-Identifier: Apache-2.0
import { isLegalNetworkName } from './check-name.ts';
import type { NadDefault } from './read-nad.ts';

/** The oldest version with the current format of results. A newer version would needlessly require a newer Multus. */
const cniVersion = '1.0.0';

/**
 * Adds a missing name and CNI version.
 *
 * At run time, Multus uses the object's name for a missing one, but other readers of the config do not. A config
 * without a version is read as CNI 0.1.0, which the plugin does not support.
 *
 * Adds `name` and `cniVersion` at the top of the config. Adds no name if the object is named only after admission, or
 * if the API server will reject its name. Source: containernetworking/cni pkg/version/conf.go, ConfigDecoder.Decode.
 */
export const defaultNameAndVersion: NadDefault = ({ name, config }) => {
  if (config === undefined) return {};
  const isMissing = (key: string): boolean => !Object.hasOwn(config.tree, key);
  return {
    keys: [
      ...(name !== undefined && isLegalNetworkName(name) && isMissing('name')
        ? [{ object: '', key: 'name', value: name }]
        : []),
      ...(isMissing('cniVersion') ? [{ object: '', key: 'cniVersion', value: cniVersion }] : []),
    ],
  };
};
