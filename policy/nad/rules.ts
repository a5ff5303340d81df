// SPDX-License-Identifier: Apache-2.0
import { checkCniVersion } from './check-cni-version.ts';
import { checkConfigJson } from './check-config-json.ts';
import { checkIpam } from './check-ipam.ts';
import { checkKnownKeys } from './check-known-keys.ts';
import { checkMac } from './check-mac.ts';
import { checkMode } from './check-mode.ts';
import { checkMtu } from './check-mtu.ts';
import { checkName } from './check-name.ts';
import { checkNamespace } from './check-namespace.ts';
import { checkOwnerGroup } from './check-owner-group.ts';
import { checkParent } from './check-parent.ts';
import { checkPlugins } from './check-plugins.ts';
import { checkPromisc } from './check-promisc.ts';
import { checkResource } from './check-resource.ts';
import { checkShapes } from './check-shapes.ts';
import type { NadRule } from './rule.ts';

/** The rules of a network, in the order in which their verdicts are told. Each is fed by test/fixtures/nad/<name>. */
export const rules = [
  { name: 'check-config-json', rule: checkConfigJson },
  { name: 'check-plugins', rule: checkPlugins },
  { name: 'check-name', rule: checkName },
  { name: 'check-cni-version', rule: checkCniVersion },
  { name: 'check-resource', rule: checkResource },
  { name: 'check-namespace', rule: checkNamespace },
  { name: 'check-parent', rule: checkParent },
  { name: 'check-mode', rule: checkMode },
  { name: 'check-mtu', rule: checkMtu },
  { name: 'check-mac', rule: checkMac },
  { name: 'check-owner-group', rule: checkOwnerGroup },
  { name: 'check-promisc', rule: checkPromisc },
  { name: 'check-ipam', rule: checkIpam },
  { name: 'check-shapes', rule: checkShapes },
  { name: 'check-known-keys', rule: checkKnownKeys },
] as const satisfies readonly { name: string; rule: NadRule }[];
