// SPDX-License-Identifier: Apache-2.0

export const installationNamespace = 'macvtap-cni';

/** The release, as arguments of Helm. */
export const release = ['kube-macvtap', `--namespace=${installationNamespace}`] as const;
