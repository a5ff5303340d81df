// SPDX-License-Identifier: Apache-2.0

import { isJsonObject, ownValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { annotationOf, namespaceOf, type PodObject } from './read-pod.ts';

/** A NetworkAttachmentDefinition that a pod names. */
export interface NetworkRef {
  readonly namespace: string;
  readonly name: string;
}

/** Where names without a namespace are looked for. */
export interface NetworkScope {
  /** The pod's. */
  readonly namespace: string;
  /** Where Multus looks for the pod's default network: its option multusNamespace, `kube-system` when absent. */
  readonly multusNamespace?: string;
}

/** What an annotation of a pod selects. */
export interface NetworkSelection {
  readonly annotation: string;
  /** In order and with repeats: each is an attachment of its own. */
  readonly networks: readonly NetworkRef[];
  /** Why Multus takes no pod with this annotation; `networks` still has all that can be made out. */
  readonly faults: readonly string[];
}

/** The Network Plumbing Working Group's annotation, and Multus' own, which replaces the cluster's network. */
export const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';
const defaultNetworkAnnotation = 'v1.multus-cni.io/default-network';

/**
 * In UTF-16 code units, so that no annotation that the API server stores is longer; only before it is refused one is.
 * Source: k8s.io/apimachinery pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB.
 */
const maxLength = 256 * 1024;

/** Far more than a pod has interfaces; a hostile annotation could name a hundred thousand, for each rule to look at. */
const maxNetworks = 1024;

/** A DNS-1123 label, as Multus wants the parts of the short syntax. */
const labelPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** A name of an interface that the kernel takes: IFNAMSIZ - 1 bytes, no slash, no white space. */
const interfacePattern = /^[^\s/]{1,15}$/;

/** Every network that a pod is attached to beside, or instead of, the cluster's; repeats are there as often. */
export function networksOf(
  pod: PodObject,
  scope: NetworkScope = { namespace: namespaceOf(pod) },
): readonly NetworkRef[] {
  return selectNetworks(pod, scope).flatMap(({ networks }) => networks);
}

/**
 * The selections of a pod, as Multus reads them: none of a pod in the host's network, where no CNI plugin is called.
 * Source: multus-cni pkg/k8sclient/k8sclient.go, parsePodNetworkAnnotation and tryLoadK8sPodDefaultNetwork.
 */
export function selectNetworks(
  pod: PodObject,
  { namespace, multusNamespace = 'kube-system' }: NetworkScope,
): readonly NetworkSelection[] {
  const inHostNetwork = ownValue(ownValue(pod, 'spec'), 'hostNetwork') === true;
  const written = [
    { annotation: defaultNetworkAnnotation, space: multusNamespace, text: annotationOf(pod, defaultNetworkAnnotation) },
    { annotation: networksAnnotation, space: namespace, text: annotationOf(pod, networksAnnotation) || undefined },
  ];
  return written.flatMap(({ annotation, space, text }) => {
    if (text === undefined) return [];
    if (inHostNetwork)
      return [{ annotation, networks: [], faults: ['the pod is in the host network: it has no others'] }];
    const { networks, faults } = parseNetworks(text, space);
    const isOne = annotation !== defaultNetworkAnnotation || networks.length === 1 || faults.length > 0;
    return [{ annotation, networks, faults: isOne ? faults : [`${networks.length} networks instead of one`] }];
  });
}

/**
 * Parses either syntax: `a, ns/b@net1`, or a JSON list of objects with name, namespace and more, keys in any case as
 * Go's encoding/json matches them. Of a text that nobody means, the beginning or nothing.
 */
export function parseNetworks(text: string, namespace: string): Omit<NetworkSelection, 'annotation'> {
  if (text.length > maxLength)
    return { networks: [], faults: [`longer than the ${maxLength} bytes of all annotations`] };
  const all = /[[{"]/.test(text)
    ? parseList(text, namespace)
    : text.split(',', maxNetworks + 1).map((item) => parseItem(item, namespace));
  const items = all.slice(0, maxNetworks);
  const tooMany = all.length > maxNetworks ? [`more than ${maxNetworks} networks`] : [];
  return {
    networks: items.flatMap(({ network }) => network ?? []),
    faults: [...tooMany, ...items.flatMap(({ fault }) => fault ?? [])],
  };
}

interface Item {
  readonly network?: NetworkRef;
  readonly fault?: string;
}

/** `ns/name@interface`, with spaces around each part. */
function parseItem(item: string, namespace: string): Item {
  const path = item.split('/');
  const [name = '', ...interfaces] = (path.at(-1) as string).split('@').map((part) => part.trim());
  const space = path.length === 1 ? '' : (path[0] as string).trim();
  if (path.length > 2 || interfaces.length > 1 || name === '') {
    return { fault: `${quote(item.trim())} is not of the form namespace/name@interface` };
  }
  const network = { namespace: space === '' ? namespace : space, name };
  const [wanted = ''] = interfaces;
  if (![network.namespace, name].every((part) => labelPattern.test(part))) {
    return {
      network,
      fault: `${quote(item.trim())}: this syntax takes a-z, 0-9 and -; use the JSON one for other names`,
    };
  }
  if (wanted !== '' && !interfacePattern.test(wanted)) {
    return { network, fault: `${quote(wanted)} is no name for an interface` };
  }
  return { network };
}

function parseList(text: string, namespace: string): readonly Item[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return [{ fault: `no JSON: ${(error as SyntaxError).message}` }];
  }
  if (!Array.isArray(list)) return [{ fault: `${quote(list)} instead of a list` }];
  return list.slice(0, maxNetworks + 1).map((item, index) => parseObject(item, index, namespace));
}

/** null stands for an absent value, as for Go; anything else but text is refused by Multus. */
function parseObject(item: unknown, index: number, namespace: string): Item {
  if (!isJsonObject(item)) return { fault: `item ${index} is ${quote(item)} instead of an object` };
  const fields = new Map(Object.entries(item).map(([key, value]) => [key.toLowerCase(), value ?? '']));
  const [name, space, wanted] = ['name', 'namespace', 'interface'].map((key) => fields.get(key) ?? '');
  if (typeof name !== 'string' || typeof space !== 'string' || typeof wanted !== 'string') {
    return { fault: `item ${index}: name, namespace and interface are text` };
  }
  if (name === '') return { fault: `item ${index} has no name` };
  return { network: { namespace: space === '' ? namespace : space, name } };
}
