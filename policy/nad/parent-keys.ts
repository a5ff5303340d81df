// SPDX-License-Identifier: Apache-2.0
import { type JsonObject, ownValue } from '../json-object.ts';

/**
 * Keys by which a config names a parent: upstream's, the one of the macvlan plugin, and the obvious one. They choose the
 * resource and do nothing else.
 */
export const parentKeys = ['parent', 'master', 'lowerDevice'] as const;

/** The parents that a config names: `[{ key: 'master', value: 'eth0' }]`. */
export function parentsOf(conf: JsonObject): readonly { readonly key: string; readonly value: string }[] {
  return parentKeys.flatMap((key) => {
    const value = ownValue(conf, key);
    return typeof value === 'string' && value !== '' ? [{ key, value }] : [];
  });
}
