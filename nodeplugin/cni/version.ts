// SPDX-License-Identifier: Apache-2.0
import { cniVersions, isCNIVersion, newestCNIVersion } from './cni-version.ts';
import { decodeNetConf, valueAt } from './net-conf.ts';
import type { JSONObject } from './net-conf-rules.ts';

/**
 * What the plugin speaks. The answer is in the version of the question, which may be one that is not spoken, and a
 * question that cannot be read is one that gives none (SPEC.md, "VERSION").
 */
export function version(stdin: Uint8Array): JSONObject {
  return { cniVersion: readCNIVersion(stdin), supportedVersions: cniVersions };
}

/** The configuration's version where it is one that is spoken, else the newest, for answers to whatever it may be. */
export function readCNIVersion(stdin: Uint8Array): (typeof cniVersions)[number] {
  try {
    const asked = valueAt(decodeNetConf(stdin), 'cniVersion');
    return isCNIVersion(asked) ? asked : newestCNIVersion;
  } catch {
    return newestCNIVersion;
  }
}
