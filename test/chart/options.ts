// SPDX-License-Identifier: Apache-2.0

/** Every option of the chart at a value that is not its own, by what it is for. */
export const options = {
  'no values': {},
  'images by tag, pulled with a secret': {
    image: {
      webhook: { repository: 'localhost/webhook' },
      node: { repository: 'localhost/node' },
      tag: 'edge',
      pullPolicy: 'Never',
      pullSecrets: [{ name: 'pull' }],
    },
  },
  'images by digest': {
    image: { webhook: { digest: `sha256:${'a'.repeat(64)}` }, node: { digest: `sha256:${'b'.repeat(64)}` } },
  },
  'a louder log': { logLevel: 'debug' },
  'nothing implicit': { implicitExposure: 'None' },
  'less implicit': { implicitExclude: ['ens*', 'bond0'], linkKinds: ['device', 'bond', 'vlan'] },
  'the explicit configuration': {
    explicitConfig: [
      { name: 'dataplane', lowerDevice: 'bond1', mode: 'private', capacity: 25 },
      { name: 'eth1', lowerDevice: 'eth1' },
    ],
  },
  'an address of the API server': { apiServer: { host: '10.99.0.1', port: 6443 } },
  'one webhook pod, that only warns': {
    webhook: { replicas: 1, unknownResource: 'Warn', multusNamespace: 'multus', drainSeconds: 5 },
  },
  'other failure policies': {
    webhook: { failurePolicy: { networks: 'Ignore', policies: 'Ignore', injectPods: 'Fail', checkPods: 'Ignore' } },
  },
  "the node's network for the webhook": { webhook: { hostNetwork: true } },
  'other directories and ports of a node': {
    node: {
      kubeletDir: '/var/lib/k0s/kubelet',
      cniBinDir: '/var/lib/cni/bin',
      stateDir: '/srv/kube-macvtap',
      cniSocketDir: '/run/macvtap',
      metricsPort: 9544,
      maxUnavailable: 1,
    },
  },
  'other places, resources and flags': {
    webhook: {
      resources: { requests: { cpu: '1' } },
      priorityClassName: '',
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: { nodeAffinity: {} },
      podAnnotations: { note: 'true' },
      extraArgs: ['--certificate-lifetime=30d'],
    },
    node: {
      resources: { limits: { memory: '1Gi' } },
      priorityClassName: '',
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoExecute', tolerationSeconds: 5 }],
      affinity: { nodeAffinity: {} },
      podAnnotations: { note: 'true' },
      extraArgs: ['--settle=1s'],
    },
  },
  'no network policy': { networkPolicy: { enabled: false } },
  'metrics for Prometheus alone': {
    networkPolicy: {
      metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      apiServerPorts: [8443],
    },
    serviceMonitor: { enabled: true, interval: '10s', labels: { release: 'prometheus' } },
  },
  'metrics of nodes, alerts and a dashboard': {
    node: { metricsOnNode: true },
    podMonitor: { enabled: true, interval: '20s', labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    grafanaDashboard: { enabled: true, labels: { dashboards: 'mine' } },
  },
  'cert-manager': { certManager: { enabled: true } },
  'cert-manager with an issuer of the cluster': {
    certManager: { enabled: true, issuerRef: { name: 'internal', kind: 'ClusterIssuer', group: 'cert-manager.io' } },
  },
  OpenShift: { openshift: { enabled: true } },
  "OpenShift, and the node's network for the webhook": {
    openshift: { enabled: true },
    webhook: { hostNetwork: true },
  },
} as const satisfies Record<string, object>;

export type OptionName = keyof typeof options;
export const optionNames = Object.keys(options) as OptionName[];
