// SPDX-License-Identifier: Apache-2.0
import { type CNIVersion, isAtLeast } from './cni-version.ts';
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
 * @example { cniVersion: '1.0.0', interfaces: [{ name: 'net1', mac: '02:00:00:00:00:01', sandbox: '/run/netns/x' }], dns: {} }
 */
export function makeResult({ cniVersion, prevResult, dns }: NetConf, link: AttachedLink): JSONObject {
  const before = prevResult?.interfaces;
  const interfaces = [...(Array.isArray(before) ? before : []), describe(link, cniVersion)];
  return { ...prevResult, cniVersion, interfaces, dns: dns ?? prevResult?.dns ?? {} };
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
