// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';

/** A parsed request to the stand-in. */
export interface ApiCall {
  readonly method: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  /** Undefined for the whole collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  /** Whether the client requested `as=PartialObjectMetadata…`. */
  readonly metadataOnly: boolean;
  readonly contentType: string;
}

const kinds: Readonly<Record<string, string>> = {
  '/api/v1 nodes': 'Node',
  '/api/v1 namespaces': 'Namespace',
  '/api/v1 configmaps': 'ConfigMap',
  '/api/v1 pods': 'Pod',
  '/api/v1 secrets': 'Secret',
  '/api/v1 events': 'Event',
  '/apis/coordination.k8s.io/v1 leases': 'Lease',
  '/apis/resource.k8s.io/v1 deviceclasses': 'DeviceClass',
  '/apis/resource.k8s.io/v1 resourceclaims': 'ResourceClaim',
  '/apis/resource.k8s.io/v1 resourceslices': 'ResourceSlice',
  '/apis/k8s.cni.cncf.io/v1 network-attachment-definitions': 'NetworkAttachmentDefinition',
  '/apis/macvtap.network.kubevirt.io/v1alpha1 macvtapnetworknodepolicies': 'MacvtapNetworkNodePolicy',
  '/apis/macvtap.network.kubevirt.io/v1alpha1 macvtapnetworknodestates': 'MacvtapNetworkNodeState',
};

/** Parses a request. Returns undefined for an unknown path. */
export function readRequest({ method = 'GET', url = '/', headers }: IncomingMessage): ApiCall | undefined {
  const { pathname, searchParams } = new URL(url, 'http://server');
  const [, group, rest = ''] = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
  const parts = rest.split('/');
  const isNamespaced = parts[0] === 'namespaces' && parts.length > 2;
  const [plural, name, subresource] = isNamespaced ? parts.slice(2) : parts;
  const kind = kinds[`${group} ${plural}`];
  if (kind === undefined) return undefined;
  return {
    method,
    kind,
    namespace: isNamespaced ? parts[1] : undefined,
    name,
    subresource,
    query: searchParams,
    metadataOnly: (headers.accept ?? '').includes('as=PartialObjectMetadata'),
    contentType: headers['content-type'] ?? '',
  };
}
