// SPDX-License-Identifier: Apache-2.0
import { givenValue, quote } from '../json.ts';
import type { Offer } from '../offers/offers.ts';
import { isMode } from '../plan/resource.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import type { MacvtapPlugin } from './config/read-config.ts';
import { modeFromPolicy } from './default-mode.ts';
import type { NadRule } from './read-nad.ts';

/**
 * Checks that the mode exists and that the resource is offered in this mode. The policy decides the device's mode, and
 * ADD fails if the network has a different one. ADD ignores a mode that was copied from the policy (modeFrom), so for
 * such a mode a difference is only a warning.
 *
 * Reads mode (bridge, private, vepa or passthru) and modeFrom (policy) of the plugin. Emits UnknownMode,
 * UnknownModeFrom, ModeNotOffered, ModeVaries.
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
    ? [warn('ModeNotOffered', `${path}.mode`, `${detail}: pods get that mode because of modeFrom`)]
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
