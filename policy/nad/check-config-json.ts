// SPDX-License-Identifier: Apache-2.0
import { deny, type Verdict, warn } from '../reasons.ts';
import { configPath } from './find-plugins.ts';
import type { NadRule } from './rule.ts';

/**
 * The config is text that holds one JSON object: no comments, no comma behind the last item, no byte order mark, and no
 * deeper than its readers go. It need not be there: Multus then runs a file that it finds on the node, of which nobody
 * here can say anything. Of a key that stands twice the last one counts, in Go as here, and it is told.
 *
 * Reads spec.config. Emits ConfigNotJson with line and column, RepeatedKey, ConfigOnNodes.
 */
export const checkConfigJson: NadRule = ({ config, fault }) => {
  if (fault !== undefined) {
    const { line, column, text } = fault;
    return [deny('ConfigNotJson', configPath, line === undefined ? text : `line ${line}, column ${column}: ${text}`)];
  }
  if (config === undefined) return [warn('ConfigOnNodes', configPath, 'write the config here to have it checked')];
  return config.layout.repeated.map(
    (key): Verdict => warn('RepeatedKey', `${configPath}.${key}`, `${key} stands twice: remove one`),
  );
};
