// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { draDriver } from '../../policy/device/dra-names.ts';
import type { Cluster } from './cluster.ts';
import { type PodOptions, podObject } from './pods.ts';

const group = '/apis/resource.k8s.io/v1';

/** A ResourceSlice, as the API server returns it. */
export interface Slice {
  readonly spec: {
    readonly devices: readonly {
      readonly name: string;
      readonly attributes: Readonly<Record<string, object>>;
      readonly taints?: readonly { readonly key: string; readonly effect: string }[];
    }[];
  };
}

/** A ResourceClaim, as the API server returns it. */
export interface Claim {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly allocation?: {
      readonly devices: { readonly results: readonly { readonly device: string; readonly pool: string }[] };
    };
  };
}

/** Returns the ResourceSlices of the project's driver for a node. */
export async function readSlices({ admin }: Cluster, node: string): Promise<readonly Slice[]> {
  const query = new URLSearchParams({ fieldSelector: `spec.nodeName=${node},spec.driver=${draDriver}` });
  return (await admin.must<{ items: readonly Slice[] }>('GET', `${group}/resourceslices?${query}`)).items;
}

/** Returns the claims in the namespace `default`. */
export async function readClaims({ admin }: Cluster): Promise<readonly Claim[]> {
  const path = `${group}/namespaces/default/resourceclaims`;
  return (await admin.must<{ items: readonly Claim[] }>('GET', path)).items;
}

/** Selects devices of all resources. A user can create such a class. */
export const anyClass = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name: 'any-macvtap' },
  spec: { selectors: [{ cel: { expression: `device.driver == "${draDriver}"` } }] },
};

/** The start of a CEL expression about an attribute of the driver: `${attributes}.parent == "eth1"`. */
export const attributes = `device.attributes["${draDriver}"]`;

export interface TemplateOptions {
  /** A CEL expression. */
  readonly expression: string;
  /** The default is the class that selects devices of all resources. */
  readonly deviceClassName?: string;
  readonly count?: number;
  readonly config?: readonly object[];
}

export function claimTemplate(name: string, options: TemplateOptions): object {
  const { expression, deviceClassName = anyClass.metadata.name, count = 1, config = [] } = options;
  const exactly = { deviceClassName, count, selectors: [{ cel: { expression } }] };
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaimTemplate',
    metadata: { name, namespace: 'default' },
    spec: { spec: { devices: { config, requests: [{ name: 'nic', exactly }] } } },
  };
}

/** Creates a pod in the namespace `default` with a claim of each template. */
export async function makeClaimingPod(
  { admin }: Cluster,
  options: PodOptions,
  ...templates: readonly string[]
): Promise<void> {
  const pod = podObject(options) as { readonly spec: { readonly containers: readonly object[] } };
  const claims = templates.map((name) => ({ name }));
  const spec = {
    ...pod.spec,
    containers: pod.spec.containers.map((one) => ({ ...one, resources: { claims } })),
    resourceClaims: templates.map((name) => ({ name, resourceClaimTemplateName: name })),
  };
  await admin.must('POST', '/api/v1/namespaces/default/pods', { body: { ...pod, spec } });
}

interface PodClaims {
  readonly status: {
    readonly resourceClaimStatuses?: readonly { readonly name: string; readonly resourceClaimName: string }[];
  };
}

/** Returns the attributes of the only device that a pod has from a template. */
export async function readClaimed(
  cluster: Cluster,
  pod: string,
  template: string,
): Promise<Readonly<Record<string, object>>> {
  const { status } = await cluster.admin.must<PodClaims>('GET', `/api/v1/namespaces/default/pods/${pod}`);
  const claimName = status.resourceClaimStatuses?.find(({ name }) => name === template)?.resourceClaimName;
  const claim = (await readClaims(cluster)).find(({ metadata }) => metadata.name === claimName);
  const [result, ...more] = claim?.status?.allocation?.devices.results ?? [];
  assert.ok(result !== undefined && more.length === 0);
  const devices = (await readSlices(cluster, result.pool)).flatMap(({ spec }) => spec.devices);
  return devices.find((one) => one.name === result.device)?.attributes ?? assert.fail(result.device);
}
