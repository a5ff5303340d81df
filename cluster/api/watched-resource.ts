// SPDX-License-Identifier: Apache-2.0

/** A collection of the API, or a part of it. */
export interface WatchedResource {
  /** How it is told to a person. @example 'Nodes' */
  readonly what: string;
  /** @example '/api/v1/nodes' */
  readonly path: string;
  /** @example 'metadata.name=worker-1' */
  readonly fieldSelector?: string;
  /** @example 'app.kubernetes.io/name=kube-macvtap' */
  readonly labelSelector?: string;
  /** Only the metadata is asked for: the rest of a Node is large, changes every few seconds and is not read. */
  readonly metadataOnly: boolean;
}

export function queryFor(resource: WatchedResource, query: Readonly<Record<string, string>>): string {
  const { fieldSelector, labelSelector } = resource;
  return new URLSearchParams({
    ...query,
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
  }).toString();
}

/** Whoever does not know the form answers in the plain one. Source: apimachinery metav1.PartialObjectMetadata. */
export function acceptFor({ metadataOnly }: WatchedResource, verb: 'list' | 'watch' | 'get'): string {
  const form = verb === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return metadataOnly ? `application/json;as=${form};g=meta.k8s.io;v=v1,application/json` : 'application/json';
}
