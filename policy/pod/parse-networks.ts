// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, ownValue, quote } from '../json.ts';
import { selectionKeys } from '../nad/config/known-keys.ts';
import { readItemsAsGo } from '../nad/config/read-items-as-go.ts';
import type { AmbiguousKey } from '../nad/config/scan-config.ts';
import { annotationOf, type NamedResource, namespaceOf, type PodContainer, type PodObject } from './read-pod.ts';

/** A NetworkAttachmentDefinition that a pod names. */
export interface NetworkRef {
  readonly namespace: string;
  readonly name: string;
  /** The requested MAC address, not validated. */
  readonly mac?: string;
}

/** The namespaces for network names that do not include one. */
export interface NetworkScope {
  /** The pod's namespace. */
  readonly namespace: string;
  /** The namespace for the pod's default network: the option multusNamespace of Multus, `kube-system` if absent. */
  readonly multusNamespace?: string;
  /** Remembers what was read of the last pod in this scope. */
  readonly memo?: PodMemo;
}

/**
 * The parts of a pod that were read. Several rules need them. This is not a WeakMap with pods as keys, because V8 would
 * keep its values until it collects the whole heap.
 */
interface PodReading {
  selections?: readonly NetworkSelection[];
  containers?: readonly PodContainer[];
  /** The named resources, with the facts from which they were read. */
  named?: {
    readonly networks: unknown;
    readonly claims: unknown;
    readonly offers: unknown;
    readonly resources: readonly NamedResource[];
  };
}

/** Remembers the reading of one pod. Nothing may change a pod that was read. */
export interface PodMemo {
  pod?: PodObject;
  reading?: PodReading;
}

/** Returns the remembered reading of a pod, or an empty one. */
export function readingOf(pod: PodObject, memo: PodMemo | undefined): PodReading {
  if (memo === undefined) return {};
  if (memo.pod !== pod) Object.assign(memo, { pod, reading: {} });
  return memo.reading ?? {};
}

/** The networks that an annotation of a pod selects. */
export interface NetworkSelection {
  readonly annotation: string;
  /** The networks in order. A repeated network is a separate attachment. */
  readonly networks: readonly NetworkRef[];
  /** Why Multus rejects a pod with this annotation. `networks` still contains all networks that could be read. */
  readonly faults: readonly string[];
  /** Set if the annotation uses the JSON syntax and has ambiguous keys. */
  readonly ambiguity?: Ambiguity;
}

/** The ambiguous keys of a text, and the networks that a reader without Go's lenient key matching finds in it. */
interface Ambiguity {
  readonly text: string;
  readonly keys: readonly AmbiguousKey[];
  /** The networks if only keys in their exact spelling are used. */
  readonly otherwise: readonly NetworkRef[];
}

/**
 * The annotations that name networks. The first is from the Network Plumbing Working Group and adds networks to the
 * cluster's network. The second is from Multus and names a network that replaces the cluster's network.
 */
export const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';
const defaultNetworkAnnotation = 'v1.multus-cni.io/default-network';

/**
 * The longest annotation that is read, in UTF-16 code units. The API server never stores a longer one, but an admission
 * request may contain one.
 * Source: k8s.io/apimachinery pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB.
 */
const maxLength = 256 * 1024;

/**
 * The maximum number of networks to read from an annotation. No real pod has so many, but a malicious annotation could
 * name a hundred thousand.
 */
const maxNetworks = 1024;

/** A DNS-1123 label. Multus requires it for the parts of the short syntax. */
const labelPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** An interface name that the kernel accepts: at most IFNAMSIZ - 1 bytes, without slashes and whitespace. */
const interfacePattern = /^[^\s/]{1,15}$/;

/**
 * Returns all networks to which a pod is attached in addition to the cluster's network, or instead of it. Networks may
 * be repeated.
 */
export function networksOf(
  pod: PodObject,
  scope: NetworkScope = { namespace: namespaceOf(pod) },
): readonly NetworkRef[] {
  return selectNetworks(pod, scope).flatMap(({ networks }) => networks);
}

/**
 * Returns all networks that are needed to review a pod: those from `networksOf`, and those that another reader of
 * ambiguous keys may find.
 */
export function namedNetworks(pod: PodObject, scope: NetworkScope): readonly NetworkRef[] {
  const selections = selectNetworks(pod, scope);
  return selections.flatMap(({ networks, ambiguity }) => [...networks, ...(ambiguity?.otherwise ?? [])]);
}

/**
 * Returns the networks that the annotations of a pod select, as Multus reads them. A pod in the host network has none,
 * since the container runtime calls no CNI plugin for it.
 * Source: multus-cni pkg/k8sclient/k8sclient.go, parsePodNetworkAnnotation and tryLoadK8sPodDefaultNetwork.
 */
export function selectNetworks(
  pod: PodObject,
  { namespace, multusNamespace = 'kube-system', memo }: NetworkScope,
): readonly NetworkSelection[] {
  const known = readingOf(pod, memo);
  known.selections ??= readSelections(pod, namespace, multusNamespace);
  return known.selections;
}

function readSelections(pod: PodObject, namespace: string, multusNamespace: string): readonly NetworkSelection[] {
  const inHostNetwork = ownValue(ownValue(pod, 'spec'), 'hostNetwork') === true;
  const written = [
    { annotation: defaultNetworkAnnotation, space: multusNamespace, text: annotationOf(pod, defaultNetworkAnnotation) },
    { annotation: networksAnnotation, space: namespace, text: annotationOf(pod, networksAnnotation) || undefined },
  ];
  return written.flatMap(({ annotation, space, text }) => {
    if (text === undefined) return [];
    if (inHostNetwork)
      return [{ annotation, networks: [], faults: ['a pod in the host network has no other networks'] }];
    const { networks, faults, ...more } = parseNetworks(text, space);
    const isOne = annotation !== defaultNetworkAnnotation || networks.length === 1 || faults.length > 0;
    return [{ annotation, networks, faults: isOne ? faults : [`${networks.length} networks instead of one`], ...more }];
  });
}

/**
 * Parses an annotation in either syntax: `a, ns/b@net1`, or a JSON list of objects with name, namespace and other keys.
 * As in Go's encoding/json, keys are matched ignoring case, the last of repeated keys wins, and null is ignored. A text
 * that is too long is not read at all. Of too many networks, only the first ones are read.
 */
export function parseNetworks(text: string, namespace: string): Omit<NetworkSelection, 'annotation'> {
  if (text.length > maxLength)
    return { networks: [], faults: [`longer than the ${maxLength} bytes of all annotations`] };
  const { all, ambiguity }: Parsed = /[[{"]/.test(text)
    ? parseList(text, namespace)
    : { all: text.split(',', maxNetworks + 1).map((item) => parseItem(item, namespace)) };
  const items = all.slice(0, maxNetworks);
  const tooMany = all.length > maxNetworks ? [`more than ${maxNetworks} networks`] : [];
  return {
    networks: items.flatMap(({ network }) => network ?? []),
    faults: [...tooMany, ...items.flatMap(({ fault }) => fault ?? [])],
    ...(ambiguity && { ambiguity }),
  };
}

interface Parsed {
  readonly all: readonly Item[];
  readonly ambiguity?: Ambiguity;
}

interface Item {
  readonly network?: NetworkRef;
  readonly fault?: string;
}

/** Parses an item of the short syntax: `ns/name@interface`, with optional spaces around each part. */
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
      fault: `${quote(item.trim())}: this syntax allows only a-z, 0-9 and -; use the JSON syntax for other names`,
    };
  }
  if (wanted !== '' && !interfacePattern.test(wanted)) {
    return { network, fault: `${quote(wanted)} is not a legal interface name` };
  }
  return { network };
}

function parseList(text: string, namespace: string): Parsed {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return { all: [{ fault: `not JSON: ${(error as SyntaxError).message}` }] };
  }
  if (!Array.isArray(list)) return { all: [{ fault: `${quote(list)} instead of a list` }] };
  const { items, ambiguous: keys, fault } = readItemsAsGo(text, selectionKeys, maxNetworks + 1);
  if (fault !== undefined) return { all: [{ fault: `not JSON: ${fault}` }] };
  const first = list.slice(0, maxNetworks + 1);
  const all = first.map((item, index) =>
    parseObject(item, index, namespace, (key) => items.get(index)?.get(key) ?? []),
  );
  if (keys.length === 0) return { all };
  const otherwise = first.flatMap((item, index) => {
    const asWritten = (key: string) => [ownValue(item, key)].filter((value) => value !== undefined && value !== null);
    return parseObject(item, index, namespace, asWritten).network ?? [];
  });
  return { all, ambiguity: { text, keys, otherwise } };
}

/**
 * Parses an item of the JSON syntax. `valuesOf` returns the values that a reader assigns to a field, in order. The last
 * value is used. All values of `name`, `namespace` and `interface` must be text.
 */
function parseObject(
  item: unknown,
  index: number,
  namespace: string,
  valuesOf: (key: string) => readonly unknown[],
): Item {
  if (!isJsonObject(item)) return { fault: `item ${index} is ${quote(item)} instead of an object` };
  const [names, spaces, interfaces] = ['name', 'namespace', 'interface'].map(valuesOf);
  if (![names, spaces, interfaces].every((values) => values?.every((value) => typeof value === 'string'))) {
    return { fault: `item ${index}: name, namespace and interface must be text` };
  }
  const [name, space] = [names, spaces].map((values) => (values?.at(-1) ?? '') as string);
  if (name === undefined || name === '') return { fault: `item ${index} has no name` };
  const mac = valuesOf('mac').at(-1);
  return {
    network: {
      namespace: space === undefined || space === '' ? namespace : space,
      name,
      ...(typeof mac === 'string' && mac !== '' && { mac }),
    },
  };
}
