// SPDX-License-Identifier: Apache-2.0
import { checkAmbiguousKeys } from './check-ambiguous-keys.ts';
import { checkCniVersion } from './check-cni-version.ts';
import { checkConfigJson } from './check-config-json.ts';
import { checkIpam } from './check-ipam.ts';
import { checkKnownKeys } from './check-known-keys.ts';
import { checkMac } from './check-mac.ts';
import { checkMode } from './check-mode.ts';
import { checkMtu } from './check-mtu.ts';
import { checkName } from './check-name.ts';
import { checkNamespace } from './check-namespace.ts';
import { checkOptions } from './check-options.ts';
import { checkParent } from './check-parent.ts';
import { checkPlugins } from './check-plugins.ts';
import { checkResource } from './check-resource.ts';
import { checkShapes } from './check-shapes.ts';
import { checkTypeName } from './check-type-name.ts';
import { defaultMode } from './default-mode.ts';
import { defaultNameAndVersion } from './default-name-and-version.ts';
import { defaultResource } from './default-resource.ts';
import type { NadDefault, NadRule } from './read-nad.ts';

/** All rules for networks, in the order of their verdicts. Fixtures are in test/fixtures/nad/<name>. */
export const rules = [
  { name: 'check-config-json', rule: checkConfigJson },
  { name: 'check-ambiguous-keys', rule: checkAmbiguousKeys },
  { name: 'check-plugins', rule: checkPlugins },
  { name: 'check-type-name', rule: checkTypeName },
  { name: 'check-name', rule: checkName },
  { name: 'check-cni-version', rule: checkCniVersion },
  { name: 'check-resource', rule: checkResource },
  { name: 'check-namespace', rule: checkNamespace },
  { name: 'check-parent', rule: checkParent },
  { name: 'check-mode', rule: checkMode },
  { name: 'check-mtu', rule: checkMtu },
  { name: 'check-mac', rule: checkMac },
  { name: 'check-options', rule: checkOptions },
  { name: 'check-ipam', rule: checkIpam },
  { name: 'check-shapes', rule: checkShapes },
  { name: 'check-known-keys', rule: checkKnownKeys },
] as const satisfies readonly { name: string; rule: NadRule }[];

/**
 * All defaults, in the order in which they are applied and add keys to the config. A default uses the resource that an
 * earlier one found.
 */
export const defaults = [
  { name: 'default-resource', fill: defaultResource },
  { name: 'default-name-and-version', fill: defaultNameAndVersion },
  { name: 'default-mode', fill: defaultMode },
] as const satisfies readonly { name: string; fill: NadDefault }[];
