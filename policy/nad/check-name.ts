// SPDX-License-Identifier: Apache-2.0
import { ownValue, quote } from '../json.ts';
import { deny } from '../reasons.ts';
import { configPath } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/**
 * The names that libcni accepts; see containernetworking/cni pkg/utils/utils.go, ValidateNetworkName. The plugin
 * accepts at most 253 characters, like the name of a Kubernetes object.
 */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$/;

export function isLegalNetworkName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * Checks that libcni accepts the network's name, and that the name is not too long for the plugin. If the name is
 * absent or empty, Multus uses the object's name.
 *
 * Reads name of the config. Emits IllegalNetworkName.
 */
export const checkName: NadRule = ({ config }) => {
  const name = ownValue(config?.tree, 'name') ?? '';
  return name === '' || (typeof name === 'string' && isLegalNetworkName(name))
    ? []
    : [deny('IllegalNetworkName', `${configPath}.name`, `name ${quote(name)}`)];
};
