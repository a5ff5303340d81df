// SPDX-License-Identifier: Apache-2.0
import type { Mode } from '../../policy/plan/mode.ts';
import { type HeldDevice, isStanding, type ParentLookup } from './served-resource.ts';

/** What pods hold of one resource. */
export interface HeldSummary {
  readonly held: number;
  /** Of these, the devices whose links went with their parent. One of which nothing is known is not among them. */
  readonly lost: number;
  /** What they all stand on; absent where they differ, or nobody knows. */
  readonly parent?: string;
  readonly mode?: Mode;
}

/** Of each resource that pods hold devices of. */
export function summarizeHeld(held: readonly HeldDevice[], parents: ParentLookup): ReadonlyMap<string, HeldSummary> {
  const byResource = Map.groupBy(held, ({ resource }) => resource);
  return new Map([...byResource].map(([resource, devices]) => [resource, summarize(devices, parents)]));
}

function summarize(devices: readonly HeldDevice[], parents: ParentLookup): HeldSummary {
  const parent = common(devices.map((device) => device.parent));
  const mode = common(devices.map((device) => device.mode));
  return {
    held: devices.length,
    lost: devices.filter((device) => device.parent !== undefined && !isStanding(device, undefined, parents)).length,
    ...(parent !== undefined && { parent }),
    ...(mode !== undefined && { mode }),
  };
}

function common<Value>(values: readonly Value[]): Value | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
