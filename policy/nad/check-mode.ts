// SPDX-License-Identifier: Apache-2.0

import { givenValue } from '../json-object.ts';
import type { Offer } from '../offers/offers.ts';
import { isMode } from '../plan/mode.ts';
import { quote } from '../quote.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import { modeFromPolicy } from './default-mode.ts';
import type { MacvtapPlugin } from './find-plugins.ts';
import type { NadRule } from './rule.ts';

/**
 * A mode that is written is one of the kernel's, and one that the resource is offered in, because the device has its mode
 * from the policy and ADD fails on another one. A mode that is a copy of the policy's (modeFrom) fails nowhere: where it
 * no longer agrees, that is told.
 *
 * Reads mode (bridge, private, vepa or passthru) and modeFrom (policy) of the plugin. Emits UnknownMode, UnknownModeFrom,
 * ModeNotOffered, ModeVaries.
 */
export const checkMode: NadRule = ({ resource, plugins }, { offers }) => {
  const offered = resource === undefined ? [] : offers.ofResource(resource);
  return plugins.flatMap((plugin) => [...modeFaults(plugin, offered), ...modeFromFaults(plugin)]);
};

function modeFaults({ conf, path }: MacvtapPlugin, offered: readonly Offer[]): readonly Verdict[] {
  const mode = givenValue(conf, 'mode');
  if (mode === undefined) return [];
  if (typeof mode !== 'string' || !isMode(mode)) return [deny('UnknownMode', `${path}.mode`, `mode ${quote(mode)}`)];
  const others = offered.filter((offer) => offer.mode !== mode);
  const [other] = others;
  if (other === undefined) return [];
  const copied = givenValue(conf, 'modeFrom') === modeFromPolicy;
  const detail = `mode ${mode}: ${describe(other)}`;
  if (others.length < offered.length) return copied ? [] : [warn('ModeVaries', `${path}.mode`, detail)];
  return copied
    ? [warn('ModeNotOffered', `${path}.mode`, `${detail}, and pods get that, as modeFrom says`)]
    : [deny('ModeNotOffered', `${path}.mode`, `${detail}: write that, or leave mode out`)];
}

function modeFromFaults({ conf, path }: MacvtapPlugin): readonly Verdict[] {
  const modeFrom = givenValue(conf, 'modeFrom');
  return modeFrom === undefined || modeFrom === modeFromPolicy
    ? []
    : [deny('UnknownModeFrom', `${path}.modeFrom`, `modeFrom ${quote(modeFrom)}`)];
}

function describe({ resource, mode, source, policy }: Offer): string {
  return `${policy === undefined ? `source ${source}` : `policy ${policy}`} offers ${resource} in mode ${mode}`;
}
