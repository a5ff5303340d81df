// SPDX-License-Identifier: Apache-2.0
import type { NadDefault } from './read-nad.ts';

/** The value of modeFrom that marks a mode as copied from the policy. */
export const modeFromPolicy = 'policy';

/**
 * Adds the resource's mode to a network without a mode, so that the network shows which mode its pods get. No mode is
 * added if the offers of the resource have different modes, because the mode then depends on the pod's node.
 *
 * If nodes expose the resource, only the exposed offers count. This matters for a policy such as "bond1, or else eth1"
 * whose entries have different modes. Only the nodes know which of the two interfaces they have.
 *
 * Adds `mode` and `"modeFrom": "policy"` to each macvtap plugin without a mode. `modeFrom` marks the mode as a copy, so
 * that an edited policy does not break the network. A mode that a user wrote is not changed, and gets no `modeFrom`.
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
