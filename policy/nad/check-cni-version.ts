// SPDX-License-Identifier: Apache-2.0
import { quote } from '../json.ts';
import { deny, warn } from '../reasons.ts';
import { configPath } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/** The versions that the CNI plugin returns for VERSION. */
const supported: readonly unknown[] = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

/**
 * Checks that the config has a CNI version that the plugin supports. A config without a version is read as version
 * 0.1.0. The webhook adds a missing version. If the network opted out of defaults, a missing version is only a warning.
 *
 * Reads cniVersion of the config. Emits UnsupportedCniVersion.
 * Source: containernetworking/cni pkg/version/conf.go, ConfigDecoder.Decode.
 */
export const checkCniVersion: NadRule = ({ config, plugins, defaultConfig }) => {
  if (config === undefined || plugins.length === 0) return [];
  if (!Object.hasOwn(config.tree, 'cniVersion')) {
    return defaultConfig
      ? []
      : [warn('UnsupportedCniVersion', configPath, 'no cniVersion, which is read as 0.1.0: set a supported one')];
  }
  const { cniVersion } = config.tree;
  return supported.includes(cniVersion)
    ? []
    : [
        deny(
          'UnsupportedCniVersion',
          `${configPath}.cniVersion`,
          `cniVersion ${quote(cniVersion)}: set a supported one`,
        ),
      ];
};
