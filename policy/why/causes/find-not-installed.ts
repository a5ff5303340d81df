// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from '../cause.ts';
import { kubectl } from '../suggested-commands.ts';

/** Checks that the namespace has a node plugin or a webhook. If it has neither, this explains all other causes. */
export const findNotInstalled: CauseRule = (_scope, { plugin, webhook, policyNamespace }) => {
  if (plugin !== 'absent' || webhook !== 'absent') return [];
  return [
    {
      code: 'NotInstalled',
      isNote: false,
      detail: `namespace ${policyNamespace} has neither the DaemonSet of the node plugin nor the Deployment of the webhook`,
      fix: {
        text:
          'install the chart with a values.yaml that names your images (docs/how-to/install.md), or name its namespace with ' +
          '--installation-namespace',
        commands: [
          `kubectl create namespace ${policyNamespace} --dry-run=client -o yaml | kubectl apply -f -`,
          kubectl(
            'label',
            'namespace',
            policyNamespace,
            '--overwrite',
            'pod-security.kubernetes.io/enforce=privileged',
          ),
          `helm install kube-macvtap charts/kube-macvtap --namespace ${policyNamespace} --values values.yaml`,
        ],
      },
    },
  ];
};
