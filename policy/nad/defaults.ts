// SPDX-License-Identifier: Apache-2.0
import { defaultCniVersion } from './default-cni-version.ts';
import { defaultMode } from './default-mode.ts';
import { defaultName } from './default-name.ts';
import { defaultResource } from './default-resource.ts';
import type { NadDefault } from './rule.ts';

/** What is filled in, in order: each sees the resource that one before it has found, and keys are written as they come. */
export const defaults = [
  { name: 'default-resource', fill: defaultResource },
  { name: 'default-name', fill: defaultName },
  { name: 'default-cni-version', fill: defaultCniVersion },
  { name: 'default-mode', fill: defaultMode },
] as const satisfies readonly { name: string; fill: NadDefault }[];
