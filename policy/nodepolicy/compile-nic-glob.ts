// SPDX-License-Identifier: Apache-2.0
import { compileGlob, type Glob } from '../plan/match-glob.ts';

/** The fields of a NIC selector that hold globs. */
export const globFields = ['names', 'pciAddresses', 'macAddresses'] as const;

export type GlobField = (typeof globFields)[number];

/** Compiles a glob as its field is compared: addresses in lower case, as the kernel prints them. */
export function compileNicGlob(field: GlobField, pattern: string): Glob {
  return compileGlob(field === 'names' ? pattern : pattern.toLowerCase());
}
