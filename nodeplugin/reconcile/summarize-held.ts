// SPDX-License-Identifier: Apache-2.0
import type { HeldPlace } from '../../cluster/report/build-node-state.ts';
import type { Mode } from '../../policy/plan/mode.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import { type HeldDevice, isStanding, type ParentLookup, standsOn } from './served-resource.ts';

/** What pods hold of one resource. */
export interface HeldSummary {
  readonly held: number;
  /** Of these, the devices whose links went with their parent. One of which nothing is known is not among them. */
  readonly lost: number;
  /** What they all stand on; absent where they differ, or nobody knows. */
  readonly parent?: string;
  readonly mode?: Mode;
  /** Those that still stand, and not where the resource does: an edit moves it, and no held device. By parent and mode. */
  readonly elsewhere: readonly HeldPlace[];
}

/** Where new devices of a resource stand; undefined for one that only drains. */
export type ResourcePlace = { readonly parent: string; readonly mode: Mode } | undefined;

/** Of the devices of one resource. */
export function summarizeHeld(
  devices: readonly HeldDevice[],
  resource: ResourcePlace,
  parents: ParentLookup,
): HeldSummary {
  const parent = common(devices.map((device) => device.parent));
  const mode = common(devices.map((device) => device.mode));
  const isLost = (device: HeldDevice) => device.parent !== undefined && !isStanding(device, undefined, parents);
  // Of what only drains there is no place but the one that all of it was made on.
  const isThere = resource ? standsOn(resource.parent, parents) : (device: HeldDevice) => device.parent === parent;
  const placeMode = resource ? resource.mode : mode;
  const moved = devices.filter((device) => !isLost(device) && !(device.mode === placeMode && isThere(device)));
  return {
    held: devices.length,
    lost: devices.filter(isLost).length,
    ...(parent !== undefined && { parent }),
    ...(mode !== undefined && { mode }),
    elsewhere: placesOf(moved),
  };
}

function common<Value>(values: readonly Value[]): Value | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

function placesOf(devices: readonly HeldDevice[]): readonly HeldPlace[] {
  const known = devices.flatMap(({ parent, mode }) => (parent && mode ? [{ parent, mode }] : []));
  const byPlace = Map.groupBy(known, ({ parent, mode }) => `${parent}/${mode}`);
  return [...byPlace]
    .sort(([left], [right]) => compareNatural(left, right))
    .flatMap(([, its]) => its.slice(0, 1).map((place) => ({ ...place, held: its.length })));
}
