// SPDX-License-Identifier: Apache-2.0
import { ownValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import { configPath } from './find-plugins.ts';
import type { NadRule } from './rule.ts';

/** Source: containernetworking/cni pkg/utils/utils.go, ValidateNetworkName. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

export function isLegalNetworkName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * libcni refuses to run a network whose name has other characters. An absent or empty one Multus replaces.
 *
 * Reads name of the config. Emits IllegalNetworkName.
 */
export const checkName: NadRule = ({ config }) => {
  const name = ownValue(config?.tree, 'name') ?? '';
  return name === '' || (typeof name === 'string' && isLegalNetworkName(name))
    ? []
    : [deny('IllegalNetworkName', `${configPath}.name`, `name ${quote(name)}`)];
};
