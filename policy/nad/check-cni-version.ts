// SPDX-License-Identifier: Apache-2.0

import { quote } from '../quote.ts';
import { deny, warn } from '../reasons.ts';
import { configPath } from './find-plugins.ts';
import type { NadRule } from './rule.ts';

/** What the CNI plugin answers to VERSION. */
const supported: readonly unknown[] = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

/**
 * The config is of a CNI version that the plugin speaks. One without a version is read as 0.1.0; that is only told, and
 * only of a config that defaults are kept out of.
 *
 * Reads cniVersion of the config. Emits UnsupportedCniVersion.
 * Source: containernetworking/cni pkg/version/conf.go, ConfigDecoder.Decode.
 */
export const checkCniVersion: NadRule = ({ config, plugins, defaultConfig }) => {
  if (config === undefined || plugins.length === 0) return [];
  if (!Object.hasOwn(config.tree, 'cniVersion')) {
    return defaultConfig
      ? []
      : [warn('UnsupportedCniVersion', configPath, 'no cniVersion, which is read as 0.1.0: write one of them')];
  }
  const { cniVersion } = config.tree;
  return supported.includes(cniVersion)
    ? []
    : [deny('UnsupportedCniVersion', `${configPath}.cniVersion`, `cniVersion ${quote(cniVersion)}: write one of them`)];
};
