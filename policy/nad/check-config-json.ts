// SPDX-License-Identifier: Apache-2.0
import { deny, type Verdict, warn } from '../reasons.ts';
import { configPath, describeFault } from './config/read-config.ts';
import type { NadRule } from './read-nad.ts';

/**
 * Checks that the config is text, and that its readers accept it as one JSON object. Comments, trailing commas, a byte
 * order mark and very deep nesting are errors. Two cases are only warnings:
 *
 * - The config is absent. Multus then uses a file on the node, which this rule cannot read.
 * - An unknown key is repeated. The last one wins, in Go and in this project.
 *
 * Reads spec.config. Emits ConfigNotJson with line and column, RepeatedKey, ConfigOnNodes.
 */
export const checkConfigJson: NadRule = ({ config, fault, misspelledTypes }) => {
  if (fault !== undefined) return [deny('ConfigNotJson', configPath, describeFault(fault))];
  if (misspelledTypes.length > 0 && config === undefined) return [];
  if (config === undefined) return [warn('ConfigOnNodes', configPath, 'write the config here to have it checked')];
  return config.layout.repeated.map(
    (key): Verdict => warn('RepeatedKey', `${configPath}.${key}`, `${key} is repeated: remove one`),
  );
};
