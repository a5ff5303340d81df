// SPDX-License-Identifier: Apache-2.0

/** Every option of the chart with a value other than its default, by purpose. */
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
  'reviews only of API servers with a certificate': {
    webhook: { clientCA: { configMap: 'apiserver-client-ca', names: ['kube-apiserver-webhooks'] } },
  },
  'reviews only from the addresses of API servers': {
    networkPolicy: { reviewsFrom: [{ ipBlock: { cidr: '192.0.2.10/32' } }, { ipBlock: { cidr: '192.0.2.11/32' } }] },
  },
  'other names, and labels on everything': {
    nameOverride: 'macvtap',
    fullnameOverride: 'team-a-macvtap',
    commonLabels: { 'cost-center': '42', 'app.kubernetes.io/component': 'ignored' },
  },
  'another name': { nameOverride: 'macvtap' },
  'TLS 1.3 only': { webhook: { tls: { minVersion: 'VersionTLS13' } } },
  'two cipher suites': {
    webhook: {
      tls: { cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'] },
    },
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
  'no cut-over of migrations': { node: { migrationCutover: false } },
  'dynamic resource allocation': { node: { allocation: 'DRA' } },
  'dynamic resource allocation by label': { node: { allocationByLabel: true } },
  'no network policy': { networkPolicy: { enabled: false } },
  'metrics only for Prometheus': {
    networkPolicy: {
      metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      apiServerPorts: [8443],
    },
    serviceMonitor: { enabled: true, interval: '10s', labels: { release: 'prometheus' } },
  },
  'metrics of nodes, alerts and a dashboard': {
    node: { metricsOnNode: true },
    podMonitor: { enabled: true, interval: '20s', labels: { release: 'prometheus' } },
    prometheusRule: {
      enabled: true,
      labels: { release: 'prometheus' },
      runbookBaseUrl: 'https://git.example.com/macvtap/',
    },
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
