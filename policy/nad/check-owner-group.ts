// SPDX-License-Identifier: Apache-2.0

import { givenValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import type { NadRule } from './rule.ts';

/** One below (uid_t)-1, by which chown means: as it is. */
const maxID = 2 ** 32 - 2;

/**
 * Owner and group of the tap's device are numbers: names mean nothing on another node. 0 is one of them.
 *
 * Reads owner and group of the plugin. Emits IllegalOwner. Source: chown(2), include/linux/uidgid.h (INVALID_UID).
 */
export const checkOwnerGroup: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) =>
    ['owner', 'group'].flatMap((key) => {
      const id = givenValue(conf, key);
      return id === undefined || (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= maxID)
        ? []
        : [deny('IllegalOwner', `${path}.${key}`, `${key} ${quote(id)}`)];
    }),
  );
