// SPDX-License-Identifier: Apache-2.0
import { givenValue, type JsonObject, quote } from '../json.ts';
import { deny, type Verdict } from '../reasons.ts';
import type { NadRule } from './read-nad.ts';

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** The places where a config can contain a MAC address, in order of precedence. */
const places = [
  { path: 'runtimeConfig.mac', read: (conf: JsonObject) => givenValue(givenValue(conf, 'runtimeConfig'), 'mac') },
  { path: 'args.cni.mac', read: (conf: JsonObject) => givenValue(givenValue(givenValue(conf, 'args'), 'cni'), 'mac') },
  { path: 'mac', read: (conf: JsonObject) => givenValue(conf, 'mac') },
] as const;

/**
 * Checks that a MAC address is six pairs of hexadecimal digits separated by colons. The kernel also rejects an address
 * of zeros and a group address. null and an empty text are treated as absent, as in Multus.
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
  if (/^[00:]+$/.test(mac)) return 'the kernel rejects an address of zeros';
  // The lowest bit of the first octet marks a group address (IEEE 802, I/G).
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 1 ? 'a group address; the first pair must be even' : undefined;
}
