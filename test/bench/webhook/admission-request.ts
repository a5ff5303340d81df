// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';

export type ReviewedKind = 'NetworkAttachmentDefinition' | 'Pod' | 'MacvtapNetworkNodePolicy';

/** A request to a webhook. */
export interface ReviewRequest {
  /** @example '/mutate/pods?timeout=10s' */
  readonly path: string;
  readonly body: string;
}

const plurals: Readonly<Record<ReviewedKind, string>> = {
  NetworkAttachmentDefinition: 'network-attachment-definitions',
  Pod: 'pods',
  MacvtapNetworkNodePolicy: 'macvtapnetworknodepolicies',
};

/** Returns an API server's request to a webhook when an object is created or, if there is a previous one, updated. */
export function reviewRequest(
  verb: 'mutate' | 'validate',
  object: WrittenObject,
  oldObject: WrittenObject | null = null,
): ReviewRequest {
  const [group, version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  const plural = plurals[object.kind as ReviewedKind];
  const kind = { group, version, kind: object.kind };
  const resource = { group, version, resource: plural };
  const { name, namespace } = object.metadata;
  const operation = oldObject === null ? 'CREATE' : 'UPDATE';
  const review = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUUID(),
      ...{ kind, resource, requestKind: kind, requestResource: resource },
      ...{ name, namespace, operation },
      userInfo: {
        username: 'system:serviceaccount:tenants:deployer',
        uid: '1f6a5a0e-52a5-4f0c-8a2e-0f7d6f4c6d1b',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:tenants', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=5e0f2b7a-6d33-4d33-9d5a-3cf1d1a4a2f0'] },
      },
      ...{ object, oldObject },
      dryRun: false,
      options: { kind: `${operation === 'CREATE' ? 'Create' : 'Update'}Options`, apiVersion: 'meta.k8s.io/v1' },
    },
  };
  return { path: `/${verb}/${plural}?timeout=10s`, body: JSON.stringify(review) };
}
