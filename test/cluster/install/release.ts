// SPDX-License-Identifier: Apache-2.0

export const installationNamespace = 'macvtap-cni';

/** The release as Helm's commands want it said. */
export const release = ['kube-macvtap', `--namespace=${installationNamespace}`] as const;
