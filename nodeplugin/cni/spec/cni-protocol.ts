// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../../policy/json.ts';
import { type ErrorCode, MacvtapError } from '../../../runtime/errors.ts';
import { maxOutput } from '../shim/frame.ts';

/** The supported CNI versions, oldest first: github.com/containernetworking/cni, SPEC.md. */
export const cniVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type CNIVersion = (typeof cniVersions)[number];

/** The newest version, for answers to requests whose configuration has no supported version. */
export const newestCNIVersion = '1.1.0' satisfies CNIVersion;

export function isCNIVersion(value: unknown): value is CNIVersion {
  return cniVersions.some((version) => version === value);
}

export function isAtLeast(version: CNIVersion, wanted: CNIVersion): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(wanted);
}

/** The link that ADD created. */
export interface AttachedLink {
  readonly ifname: string;
  readonly mac: string;
  readonly mtu: number;
  /** The unchanged value of CNI_NETNS. */
  readonly sandbox: string;
}

/** The parts of the network configuration that a result depends on. */
interface ResultContext {
  readonly cniVersion: CNIVersion;
  readonly name: string;
  readonly dns?: JsonObject;
  readonly prevResult?: JsonObject;
}

/**
 * Makes the result of ADD in the configuration's version. In a chain of plugins, the interface is appended to the
 * previous result, so that the positions of the other interfaces stay valid. Addresses in the result refer to these
 * positions. The runtime has already converted prevResult to the configuration's version (SPEC.md, "Passing a previous
 * result").
 *
 * Raises `NetConfInvalid` if the prevResult makes the result too long or too deeply nested.
 *
 * @example
 * '{"cniVersion":"1.0.0","interfaces":[{"name":"net1","mac":"02:00:00:00:00:01","sandbox":"/run/netns/x"}],"dns":{}}'
 */
export function makeResult({ cniVersion, name, prevResult, dns }: ResultContext, link: AttachedLink): string {
  const before = prevResult?.interfaces;
  const interfaces = [...(Array.isArray(before) ? before : []), describe(link, cniVersion)];
  const text = encode({ ...prevResult, cniVersion, interfaces, dns: dns ?? prevResult?.dns ?? {} });
  if (text !== undefined && Buffer.byteLength(text) <= maxOutput) return text;
  throw new MacvtapError(
    'NetConfInvalid',
    `prevResult of network ${name} is too ${text === undefined ? 'deep' : 'long'} to be passed on: check the plugins before macvtap in the ` +
      "network's chain",
    { facts: { network: name } },
  );
}

/**
 * Encodes the result. Returns undefined if it is nested too deeply for JSON.stringify. JSON.parse accepts deeper
 * nesting, so prevResult can be nested that deeply.
 */
function encode(result: JsonObject): string | undefined {
  try {
    return JSON.stringify(result);
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** Finds an attachment's interface in prevResult. Returns undefined if it is not there. */
export function findInResult(
  { prevResult }: Pick<ResultContext, 'prevResult'>,
  { ifname, sandbox }: Pick<AttachedLink, 'ifname' | 'sandbox'>,
): JsonObject | undefined {
  const interfaces = (prevResult?.interfaces ?? []) as readonly JsonObject[];
  return interfaces.find((shown) => shown.name === ifname && shown.sandbox === sandbox);
}

function describe({ ifname, mac, mtu, sandbox }: AttachedLink, version: CNIVersion): JsonObject {
  return { name: ifname, mac, ...(isAtLeast(version, '1.1.0') && { mtu }), sandbox };
}

/**
 * CNI's error codes (SPEC.md, "Error"). The codes 8 and 999 are from libcni (pkg/types/types.go). Codes from 100 on are
 * plugin-specific.
 */
const cniCodes = {
  incompatibleVersion: 1,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidNetConf: 7,
  invalidNetns: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  ours: 100,
  internal: 999,
} as const;

type CNIFamily = keyof typeof cniCodes;

/** The names of CNI's error codes, as labels of metrics. */
export const cniFamilies = Object.keys(cniCodes) as readonly CNIFamily[];

/** Returns the name of a CNI error code. Plugin-specific codes have the name `ours`. */
export function familyOf({ code }: Pick<CNIError, 'code'>): CNIFamily {
  return cniFamilies.find((family) => cniCodes[family] === code) ?? 'ours';
}

/**
 * Maps this project's error codes to the names in `cniCodes`. Codes that are not listed map to `ours`. Errors that a
 * retry may resolve map to `tryAgainLater`.
 */
const byCode: Partial<Record<ErrorCode, CNIFamily>> = {
  Unexpected: 'internal',
  CNIVersionUnsupported: 'incompatibleVersion',
  CNIEnvironmentInvalid: 'invalidEnvironment',
  CNIFrameMalformed: 'decodingFailure',
  NetConfUndecodable: 'decodingFailure',
  FileNotWritten: 'ioFailure',
  TapNodeNotOwned: 'ioFailure',
  NetConfInvalid: 'invalidNetConf',
  ModeConflict: 'invalidNetConf',
  MTUAboveParent: 'invalidNetConf',
  MACAddressInvalid: 'invalidNetConf',
  NetnsInvalid: 'invalidNetns',
  Aborted: 'tryAgainLater',
  DeadlineExceeded: 'tryAgainLater',
  NamespaceUnknown: 'tryAgainLater',
  NetlinkLost: 'tryAgainLater',
  NetlinkUnavailable: 'tryAgainLater',
  ParentGone: 'tryAgainLater',
  ParentUnavailable: 'tryAgainLater',
  PassthruExclusive: 'tryAgainLater',
  PlanUnknown: 'tryAgainLater',
  PodOwnerUnknown: 'tryAgainLater',
  PodResourcesSocketMissing: 'tryAgainLater',
  PodResourcesUnavailable: 'tryAgainLater',
  TapNodeTaken: 'tryAgainLater',
  CNINotReady: 'notAvailable',
};

/**
 * The error that the plugin prints.
 *
 * @example { cniVersion: '1.0.0', code: 7, msg: 'ADD of net1 …', details: 'ModeConflict' }
 */
export interface CNIError {
  readonly cniVersion: CNIVersion;
  readonly code: number;
  readonly msg: string;
  /** The error code from docs/reference/errors.md. */
  readonly details: string;
}

export function toCNIError(thrown: unknown, cniVersion: CNIVersion, operation: string): CNIError {
  const { code, message } = MacvtapError.from(thrown);
  return { cniVersion, code: cniCodes[byCode[code] ?? 'ours'], msg: `${operation}: ${message}`, details: code };
}
