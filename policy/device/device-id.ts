// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../plan/natural-order.ts';

/** Upstream's format, kept: `dataplaneMvp7` is the eighth device of the resource `dataplane`. */
const marker = 'Mvp';

/** The IDs of a resource's devices, `<resourceName>Mvp<i>` for i from 0. */
export function deviceIDs(resourceName: string, quantity: number): readonly string[] {
  return Array.from({ length: quantity }, (_, index) => `${resourceName}${marker}${index}`);
}

/** The resource and index of a device ID; undefined for a text that no resource could have given out. */
export function parseDeviceID(id: string): { readonly resourceName: string; readonly index: number } | undefined {
  const match = /^(.+)Mvp(0|[1-9]\d*)$/.exec(id);
  const index = Number(match?.[2]);
  return match?.[1] === undefined || !Number.isSafeInteger(index) ? undefined : { resourceName: match[1], index };
}

/** Orders device IDs as a person counts. */
export const compareDeviceIDs = compareNatural;
