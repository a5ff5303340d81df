// SPDX-License-Identifier: Apache-2.0

/** How the chart labels everything of its own. */
export const ownLabels = { 'app.kubernetes.io/name': 'kube-macvtap' } as const;

/** How the chart labels the node plugin's DaemonSet and pods. */
export const pluginLabels = { ...ownLabels, 'app.kubernetes.io/component': 'node' } as const;
