// SPDX-License-Identifier: Apache-2.0

import { givenValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import type { NadRule } from './rule.ts';

/**
 * promiscMode is a boolean; the text "false" would be true to some readers and false to others.
 *
 * Reads promiscMode of the plugin. Emits IllegalPromiscMode.
 */
export const checkPromisc: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) => {
    const promiscMode = givenValue(conf, 'promiscMode');
    return promiscMode === undefined || typeof promiscMode === 'boolean'
      ? []
      : [deny('IllegalPromiscMode', `${path}.promiscMode`, `promiscMode ${quote(promiscMode)}`)];
  });
