// SPDX-License-Identifier: Apache-2.0

/** Prefix of every resource of ours; upstream's, kept, so that its users can move. */
export const resourcePrefix = 'macvtap.network.kubevirt.io/';

/** Name part of a Kubernetes qualified name: apimachinery validation.IsQualifiedName (63 characters at most). */
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Whether a name can follow the prefix in an extended resource's name. */
export function isLegalResourceName(name: string): boolean {
  return namePattern.test(name);
}
