// SPDX-License-Identifier: Apache-2.0
import type { NadDefault } from './rule.ts';

/** The oldest version whose results look as today's do, so that it asks for no newer Multus than needed. */
const cniVersion = '1.0.0';

/**
 * A config without a version is read as CNI 0.1.0, which the plugin does not speak.
 *
 * Adds `cniVersion` at the top of the config. Source: containernetworking/cni pkg/version/conf.go, ConfigDecoder.Decode.
 */
export const defaultCniVersion: NadDefault = ({ config }) =>
  config === undefined || Object.hasOwn(config.tree, 'cniVersion')
    ? {}
    : { keys: [{ object: '', key: 'cniVersion', value: cniVersion }] };
