// SPDX-License-Identifier: Apache-2.0
import { type JsonObject, quote, shorten } from '../json.ts';
import { nearestNames } from '../names.ts';
import { type Verdict, warn } from '../reasons.ts';
import { configKeys, foldKey, listKeys, pluginKeys } from './config/known-keys.ts';
import { configPath } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/** The maximum number of keys to report. A malicious config could have a hundred thousand. */
const maxKeys = 8;

/**
 * Warns about keys that no reader of the config knows. Such a key has no effect and is usually misspelled, so the
 * nearest known key is suggested. This is only a warning, because CNI allows additional keys. check-ambiguous-keys
 * reports known keys in another spelling.
 *
 * Reads the keys of the macvtap plugin, and of the list around it. Emits UnknownKey.
 */
export const checkKnownKeys: NadRule = ({ config, plugins }) => [
  ...(config === undefined || plugins.some(({ object }) => object === '')
    ? []
    : unknownKeys(config.tree, configPath, listKeys)),
  ...plugins.flatMap(({ conf, path }) => unknownKeys(conf, path, pluginKeys)),
];

function unknownKeys(object: JsonObject, path: string, known: ReadonlySet<string>): readonly Verdict[] {
  const unknown = Object.keys(object).filter((key) => !known.has(key) && !isMisspelt(key));
  return unknown.slice(0, maxKeys).map((key) => {
    const [near] = nearestNames(key, [...known]);
    const more = unknown.length > maxKeys ? `; ${unknown.length} such keys in all` : '';
    return warn(
      'UnknownKey',
      `${path}.${shorten(key)}`,
      `${quote(key)}${near === undefined ? '' : `: did you mean ${near}?`}${more}`,
    );
  });
}

/** Returns whether Go treats the key as a known key in another spelling. */
function isMisspelt(key: string): boolean {
  return (configKeys.get('')?.get(foldKey(key)) ?? key) !== key;
}
