// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from './cause.ts';

/** There is neither node plugin nor webhook in the namespace: everything else follows from that. */
export const findNotInstalled: CauseRule = (_scope, { plugin, webhook, policyNamespace }) => {
  if (plugin !== 'absent' || webhook !== 'absent') return [];
  return [
    {
      code: 'NotInstalled',
      isNote: false,
      detail: `namespace ${policyNamespace} has neither DaemonSet kube-macvtap-nodeplugin nor Deployment kube-macvtap-webhook`,
      fix: {
        text: 'install the chart, or name the namespace that it is in with --installation-namespace',
        commands: [`helm install kube-macvtap charts/kube-macvtap -n ${policyNamespace} --create-namespace`],
      },
    },
  ];
};
