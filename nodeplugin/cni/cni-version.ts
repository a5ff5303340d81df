// SPDX-License-Identifier: Apache-2.0

/** What the plugin speaks, from the oldest: github.com/containernetworking/cni, SPEC.md. */
export const cniVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type CNIVersion = (typeof cniVersions)[number];

/** The newest, for what is said before the configuration told a version. */
export const newestCNIVersion = '1.1.0' satisfies CNIVersion;

export function isCNIVersion(value: unknown): value is CNIVersion {
  return cniVersions.some((version) => version === value);
}

export function isAtLeast(version: CNIVersion, wanted: CNIVersion): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(wanted);
}
