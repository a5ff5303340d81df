// SPDX-License-Identifier: Apache-2.0
import { planningFlags } from './plan/exposure.ts';
import { viewFlags } from './view/view-flags.ts';

/** Flags that a person may set for every command by their variables, also for those that have no use for them. */
export const sharedFlags: readonly string[] = Object.keys({
  ...viewFlags,
  ...planningFlags,
  output: true,
  namespace: true,
});
