// SPDX-License-Identifier: Apache-2.0
import type { NadDefault } from './rule.ts';

/**
 * A network without a mode gets the one that every offer of its resource has, so that a person sees what pods will get.
 * Offers that nodes expose count before those that are only written: of a list "bond1, or else eth1" the nodes know which
 * came true. Beside it stands `"modeFrom": "policy"`: it is a copy, and the policy may change without breaking the
 * network. Where offers differ, nodes differ, and no single mode would be true.
 *
 * Adds `mode` and `modeFrom` to each macvtap plugin without a mode. One that a user wrote stays, and gets no modeFrom.
 */
export const defaultMode: NadDefault = ({ resource, plugins }, { offers }) => {
  const written = resource === undefined ? [] : offers.ofResource(resource);
  const exposed = written.filter(({ nodes }) => nodes > 0);
  const [mode, ...others] = new Set((exposed.length > 0 ? exposed : written).map((offer) => offer.mode));
  if (mode === undefined || others.length > 0) return {};
  return {
    keys: plugins
      .filter(({ conf }) => !Object.hasOwn(conf, 'mode'))
      .flatMap(({ object, conf }) => [
        { object, key: 'mode', value: mode },
        ...(Object.hasOwn(conf, 'modeFrom') ? [] : [{ object, key: 'modeFrom', value: modeFromPolicy }]),
      ]),
  };
};

/** What modeFrom says of a mode that was copied from the policy. */
export const modeFromPolicy = 'policy';
