// SPDX-License-Identifier: Apache-2.0
import { givenValue, quote } from '../json.ts';
import { nearestNames } from '../names.ts';
import { deny, type Verdict } from '../reasons.ts';
import type { MacvtapPlugin } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/** The largest valid ID. The next higher one is (uid_t)-1, which chown interprets as "do not change". */
const maxID = 2 ** 32 - 2;

const multicastValues: readonly string[] = ['all', 'none'];

/**
 * Checks the values of the plugin's simple options:
 * - owner and group of the tap device are numbers from 0, because names may differ between nodes;
 * - promiscMode is a boolean, because some readers would treat the text "false" as true;
 * - multicast is "all" or "none"; if the key is absent, the plugin uses "all".
 *
 * Reads owner, group, promiscMode and multicast of the plugin. Emits IllegalOwner, IllegalPromiscMode,
 * IllegalMulticast.
 * Source: chown(2), include/linux/uidgid.h (INVALID_UID).
 */
export const checkOptions: NadRule = ({ plugins }) => [
  ...plugins.flatMap(checkOwnerGroup),
  ...plugins.flatMap(checkPromiscMode),
  ...plugins.flatMap(checkMulticast),
];

function checkOwnerGroup({ conf, path }: MacvtapPlugin): readonly Verdict[] {
  return ['owner', 'group'].flatMap((key) => {
    const id = givenValue(conf, key);
    return id === undefined || (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= maxID)
      ? []
      : [deny('IllegalOwner', `${path}.${key}`, `${key} ${quote(id)}`)];
  });
}

function checkPromiscMode({ conf, path }: MacvtapPlugin): readonly Verdict[] {
  const promiscMode = givenValue(conf, 'promiscMode');
  return promiscMode === undefined || typeof promiscMode === 'boolean'
    ? []
    : [deny('IllegalPromiscMode', `${path}.promiscMode`, `promiscMode ${quote(promiscMode)}`)];
}

function checkMulticast({ conf, path }: MacvtapPlugin): readonly Verdict[] {
  const multicast = givenValue(conf, 'multicast');
  if (multicast === undefined || multicastValues.some((value) => value === multicast)) return [];
  const [near] = typeof multicast === 'string' ? nearestNames(multicast, multicastValues) : [];
  const hint = near === undefined ? '' : `: did you mean ${near}?`;
  return [deny('IllegalMulticast', `${path}.multicast`, `multicast ${quote(multicast)}${hint}`)];
}
