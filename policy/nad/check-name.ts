// SPDX-License-Identifier: Apache-2.0
import { ownValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import { configPath } from './find-plugins.ts';
import type { NadRule } from './rule.ts';

/**
 * Source: containernetworking/cni pkg/utils/utils.go, ValidateNetworkName; the plugin takes no longer one than an object
 * of Kubernetes can have (253).
 */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$/;

export function isLegalNetworkName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * libcni refuses to run a network whose name has other characters, and the plugin one that is too long. An absent or
 * empty one Multus replaces.
 *
 * Reads name of the config. Emits IllegalNetworkName.
 */
export const checkName: NadRule = ({ config }) => {
  const name = ownValue(config?.tree, 'name') ?? '';
  return name === '' || (typeof name === 'string' && isLegalNetworkName(name))
    ? []
    : [deny('IllegalNetworkName', `${configPath}.name`, `name ${quote(name)}`)];
};
