// SPDX-License-Identifier: Apache-2.0
import { quote } from '../json.ts';
import { deny, type Verdict } from '../reasons.ts';
import { configPath, findPlace } from './config/read-config.ts';
import type { AmbiguousKey } from './config/scan-config.ts';
import type { NadRule } from './read-nad.ts';

/**
 * The maximum number of keys to report. An author fixes a few at a time, but a malicious text could contain a hundred
 * thousand.
 */
const maxVerdicts = 8;

/**
 * Checks that each known key occurs only once and is spelled exactly. Otherwise the readers of the config may use
 * different values. Multus, libcni and plugins written in Go read the config with encoding/json. When Go fills a
 * struct, `TYPE` is the same as `type`, and the last of the two wins. When Go fills a map, they are two keys. Some of
 * these readers also sort the keys, so the last key in the text does not always win.
 *
 * Reads the keys of the list and of each macvtap plugin, and `type` of other plugins. Emits AmbiguousKey with line and
 * column.
 * Source: encoding/json decode.go, (*decodeState).object; libcni/conf.go, InjectConf.
 */
export const checkAmbiguousKeys: NadRule = ({ config, ambiguous }) =>
  config === undefined
    ? []
    : ambiguous
        .slice(0, maxVerdicts)
        .map(
          (found): Verdict =>
            deny('AmbiguousKey', `${configPath}.${found.path}`, describeAmbiguous(config.text, found)),
        );

/**
 * Describes where an ambiguous key is and how to fix it: `line 1, column 18: "TYPE" is read as type; write type once`.
 */
export function describeAmbiguous(text: string, { key, exact, offset }: AmbiguousKey): string {
  const { line, column } = findPlace(text, offset);
  const advice =
    key === exact ? `${exact} is repeated; keep one` : `${quote(key)} is read as ${exact}; write ${exact} once`;
  return `line ${line}, column ${column}: ${advice}`;
}
