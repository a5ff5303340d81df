// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { type CNIVersion, isAtLeast } from './cni-version.ts';
import { maxOutput } from './frame.ts';
import type { NetConf } from './net-conf.ts';
import type { JSONObject } from './net-conf-rules.ts';

/** What ADD made. */
export interface AttachedLink {
  readonly ifname: string;
  readonly mac: string;
  readonly mtu: number;
  /** CNI_NETNS as the runtime wrote it. */
  readonly sandbox: string;
}

/**
 * The result of ADD in the version of the configuration. Behind other plugins of a chain it is theirs with one more
 * interface at the end, so that their addresses go on pointing at the interfaces that they mean. The runtime has
 * converted a prevResult to the configuration's version (SPEC.md, "Passing a previous result").
 *
 * Raises `NetConfInvalid` where a prevResult makes it too long, or too deep, to be answered.
 *
 * @example '{"cniVersion":"1.0.0","interfaces":[{"name":"net1","mac":"02:00:00:00:00:01","sandbox":"/run/netns/x"}],"dns":{}}'
 */
export function makeResult({ cniVersion, name, prevResult, dns }: NetConf, link: AttachedLink): string {
  const before = prevResult?.interfaces;
  const interfaces = [...(Array.isArray(before) ? before : []), describe(link, cniVersion)];
  const text = encode({ ...prevResult, cniVersion, interfaces, dns: dns ?? prevResult?.dns ?? {} });
  if (text !== undefined && Buffer.byteLength(text) <= maxOutput) return text;
  throw new MacvtapError(
    'NetConfInvalid',
    `prevResult of network ${name} is too ${text === undefined ? 'deep' : 'long'} to be handed on: see the plugins that the ` +
      "network's chain has before macvtap",
    { facts: { network: name } },
  );
}

/** What was read with a stack of its own can be too deep to be written. */
function encode(result: JSONObject): string | undefined {
  try {
    return JSON.stringify(result);
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** The interface of a result that is this attachment; undefined when it has none. */
export function findInResult(
  { prevResult }: NetConf,
  { ifname, sandbox }: Pick<AttachedLink, 'ifname' | 'sandbox'>,
): JSONObject | undefined {
  const interfaces = (prevResult?.interfaces ?? []) as readonly JSONObject[];
  return interfaces.find((shown) => shown.name === ifname && shown.sandbox === sandbox);
}

function describe({ ifname, mac, mtu, sandbox }: AttachedLink, version: CNIVersion): JSONObject {
  return { name: ifname, mac, ...(isAtLeast(version, '1.1.0') && { mtu }), sandbox };
}
