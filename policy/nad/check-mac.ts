// SPDX-License-Identifier: Apache-2.0

import { givenValue, type JsonObject } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny, type Verdict } from '../reasons.ts';
import type { NadRule } from './rule.ts';

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** Where a config can say a MAC, one more binding than the other. */
const places = [
  { path: 'runtimeConfig.mac', read: (conf: JsonObject) => givenValue(givenValue(conf, 'runtimeConfig'), 'mac') },
  { path: 'args.cni.mac', read: (conf: JsonObject) => givenValue(givenValue(givenValue(conf, 'args'), 'cni'), 'mac') },
  { path: 'mac', read: (conf: JsonObject) => givenValue(conf, 'mac') },
] as const;

/**
 * A MAC is six pairs of hexadecimal digits between colons, not all zero and not that of a group: the kernel takes no
 * other for an interface. null and an empty one count as none, as for Multus.
 *
 * Reads mac, args.cni.mac and runtimeConfig.mac of the plugin. Emits IllegalMac.
 * Source: include/linux/etherdevice.h, is_valid_ether_addr.
 */
export const checkMac: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) =>
    places.flatMap((place): readonly Verdict[] => {
      const mac = place.read(conf);
      const fault = mac === undefined || mac === '' ? undefined : faultOf(mac);
      return fault === undefined ? [] : [deny('IllegalMac', `${path}.${place.path}`, `mac ${quote(mac)}: ${fault}`)];
    }),
  );

function faultOf(mac: unknown): string | undefined {
  if (typeof mac !== 'string' || !macPattern.test(mac)) return 'write six pairs of hexadecimal digits between colons';
  if (/^[00:]+$/.test(mac)) return 'the kernel takes no address of zeros';
  // The lowest bit of the first octet is that of a group (IEEE 802, I/G).
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 1 ? 'a group address; the first pair must be even' : undefined;
}
