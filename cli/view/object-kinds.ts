// SPDX-License-Identifier: Apache-2.0

/** A kind that commands list, as the API server has it. */
export interface KindOfObject {
  /** How it is told to a person. */
  readonly what: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
}

const ours = 'macvtap.network.kubevirt.io/v1alpha1';
const admission = 'admissionregistration.k8s.io/v1';

/** By the names that kubectl has for them, which are those of the API's paths. */
export const objectKinds = {
  nodes: { what: 'Nodes', apiVersion: 'v1', kind: 'Node', isNamespaced: false },
  namespaces: { what: 'Namespaces', apiVersion: 'v1', kind: 'Namespace', isNamespaced: false },
  pods: { what: 'Pods', apiVersion: 'v1', kind: 'Pod', isNamespaced: true },
  events: { what: 'Events', apiVersion: 'v1', kind: 'Event', isNamespaced: true },
  configmaps: { what: 'ConfigMaps', apiVersion: 'v1', kind: 'ConfigMap', isNamespaced: true },
  daemonsets: { what: 'DaemonSets', apiVersion: 'apps/v1', kind: 'DaemonSet', isNamespaced: true },
  deployments: { what: 'Deployments', apiVersion: 'apps/v1', kind: 'Deployment', isNamespaced: true },
  'network-attachment-definitions': {
    what: 'NetworkAttachmentDefinitions',
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    isNamespaced: true,
  },
  macvtapnetworknodepolicies: {
    what: 'MacvtapNetworkNodePolicies',
    apiVersion: ours,
    kind: 'MacvtapNetworkNodePolicy',
    isNamespaced: true,
  },
  macvtapnetworknodestates: {
    what: 'MacvtapNetworkNodeStates',
    apiVersion: ours,
    kind: 'MacvtapNetworkNodeState',
    isNamespaced: false,
  },
  mutatingwebhookconfigurations: {
    what: 'MutatingWebhookConfigurations',
    apiVersion: admission,
    kind: 'MutatingWebhookConfiguration',
    isNamespaced: false,
  },
  validatingwebhookconfigurations: {
    what: 'ValidatingWebhookConfigurations',
    apiVersion: admission,
    kind: 'ValidatingWebhookConfiguration',
    isNamespaced: false,
  },
} as const satisfies Record<string, KindOfObject>;

export type ObjectKind = keyof typeof objectKinds;

/** The collection of a kind. @example '/apis/apps/v1/namespaces/macvtap-cni/daemonsets' */
export function collectionPath(kind: ObjectKind, namespace?: string): string {
  const { apiVersion, isNamespaced } = objectKinds[kind];
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${kind}`;
}
