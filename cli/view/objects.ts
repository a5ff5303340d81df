// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { chartLabels } from '../../policy/why/suggested-commands.ts';

/** A kind that commands can list, and its place in the API. */
export interface KindOfObject {
  /** The name of the kind in messages. */
  readonly what: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
}

const macvtap = 'macvtap.network.kubevirt.io/v1alpha1';
const admission = 'admissionregistration.k8s.io/v1';
const resource = 'resource.k8s.io/v1';

/** The kinds by their plural resource names, which API paths use. */
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
    apiVersion: macvtap,
    kind: 'MacvtapNetworkNodePolicy',
    isNamespaced: true,
  },
  macvtapnetworknodestates: {
    what: 'MacvtapNetworkNodeStates',
    apiVersion: macvtap,
    kind: 'MacvtapNetworkNodeState',
    isNamespaced: false,
  },
  deviceclasses: { what: 'DeviceClasses', apiVersion: resource, kind: 'DeviceClass', isNamespaced: false },
  resourceclaims: { what: 'ResourceClaims', apiVersion: resource, kind: 'ResourceClaim', isNamespaced: true },
  resourceslices: { what: 'ResourceSlices', apiVersion: resource, kind: 'ResourceSlice', isNamespaced: false },
  resourceclaimtemplates: {
    what: 'ResourceClaimTemplates',
    apiVersion: resource,
    kind: 'ResourceClaimTemplate',
    isNamespaced: true,
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

/** Returns the path of a kind's collection. @example '/apis/apps/v1/namespaces/macvtap-cni/daemonsets' */
export function collectionPath(kind: ObjectKind, namespace?: string): string {
  const { apiVersion, isNamespaced } = objectKinds[kind];
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${kind}`;
}

/** The labels of the node plugin's DaemonSet and pods. */
export const pluginLabels = { ...chartLabels, 'app.kubernetes.io/component': 'node' } as const;

/** The labels of the webhook's Deployment and pods. */
export const webhookLabels = { ...chartLabels, 'app.kubernetes.io/component': 'webhook' } as const;

/**
 * Returns the right to list a collection in the words of `kubectl auth can-i`.
 *
 * @example missingRight('/apis/apps/v1/namespaces/a/daemonsets') is 'list daemonsets.apps in the namespace a'
 */
export function missingRight(path: string): string {
  const [, core, group, , namespace, resource] =
    /^\/(?:(api)|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/?]+)/.exec(path) ?? [];
  const name = core === undefined && group !== undefined ? `${resource}.${group}` : resource;
  return `list ${name} ${namespace === undefined ? 'in the whole cluster' : `in the namespace ${namespace}`}`;
}

// These functions read fields of objects from the API server or from files. The objects may have any shape.

/** Returns the value at a path, or undefined if there is none. @example valueIn(pod, 'spec', 'nodeName') */
export function valueIn(object: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), object);
}

export function textIn(object: unknown, ...path: readonly string[]): string | undefined {
  const value = valueIn(object, ...path);
  return typeof value === 'string' ? value : undefined;
}

export function numberIn(object: unknown, ...path: readonly string[]): number {
  const value = valueIn(object, ...path);
  return typeof value === 'number' ? value : 0;
}

export function listIn(object: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = valueIn(object, ...path);
  return Array.isArray(value) ? value : [];
}

export function mapIn(object: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> {
  const value = valueIn(object, ...path);
  return isJsonObject(value) ? value : {};
}

/**
 * Returns the status (`True`, `False`, `Unknown`) of an object's condition, or undefined if there is no such condition.
 */
export function conditionStatus(object: unknown, type: string): string | undefined {
  return textIn(conditionIn(object, type), 'status');
}

export function conditionIn(object: unknown, type: string): unknown {
  return listIn(object, 'status', 'conditions').find((condition) => textIn(condition, 'type') === type);
}

/** Returns the arguments of all containers of a DaemonSet or Deployment. */
export function argumentsOf(workload: unknown): readonly string[] {
  const containers = listIn(workload, 'spec', 'template', 'spec', 'containers');
  return containers.flatMap((container) => listIn(container, 'args').map(String));
}

/** Returns the value of the last `--name=value` among the arguments, or undefined if there is none. */
export function flagIn(args: readonly string[], name: string): string | undefined {
  const prefix = `--${name}=`;
  return args.findLast((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}
