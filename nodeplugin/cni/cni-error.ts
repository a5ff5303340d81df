// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from '../../runtime/error-codes.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { CNIVersion } from './cni-version.ts';

/** SPEC.md, "Error"; 8 and 999 are libcni's (pkg/types/types.go), and from 100 on they are the plugin's own. */
const cniCodes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
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

/** What CNI calls its errors. */
export const cniFamilies = Object.keys(cniCodes) as readonly CNIFamily[];

/** The name of a code as it is printed; ours for what is none of them. */
export function familyOf({ code }: Pick<CNIError, 'code'>): CNIFamily {
  return cniFamilies.find((family) => cniCodes[family] === code) ?? 'ours';
}

/** What our codes are to a runtime; `ours` for the rest. What may heal without a change by a person is to be tried again. */
const byCode: Partial<Record<ErrorCode, CNIFamily>> = {
  Unexpected: 'internal',
  CNIVersionUnsupported: 'incompatibleVersion',
  NetConfUnsupported: 'unsupportedField',
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
  NetlinkLost: 'tryAgainLater',
  NetlinkUnavailable: 'tryAgainLater',
  ParentGone: 'tryAgainLater',
  ParentUnavailable: 'tryAgainLater',
  PassthruExclusive: 'tryAgainLater',
  PlanUnknown: 'tryAgainLater',
  PodResourcesSocketMissing: 'tryAgainLater',
  PodResourcesUnavailable: 'tryAgainLater',
  TapNodeTaken: 'tryAgainLater',
  CNINotReady: 'notAvailable',
};

/** What the plugin prints when it fails. @example { cniVersion: '1.0.0', code: 7, msg: 'ADD of net1 …', details: 'ModeConflict' } */
export interface CNIError {
  readonly cniVersion: CNIVersion;
  readonly code: number;
  readonly msg: string;
  /** Our own code, which docs/errors.md explains. */
  readonly details: string;
}

export function toCNIError(thrown: unknown, cniVersion: CNIVersion, operation: string): CNIError {
  const { code, message } = MacvtapError.from(thrown);
  return { cniVersion, code: cniCodes[byCode[code] ?? 'ours'], msg: `${operation}: ${message}`, details: code };
}
