// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';

/** Annotations that mean something here; any other may hold anything, such as the object as it was once applied. */
const keptAnnotations = /^(k8s\.v1\.cni\.cncf\.io\/|v1\.multus-cni\.io\/|macvtap\.network\.kubevirt\.io\/)/;

/** An object of ours whole, but for annotations that are not about this. */
export function keepOwn({ metadata, ...rest }: ApiObject): object {
  const { name, namespace, generation, creationTimestamp, deletionTimestamp, annotations } = metadata;
  const kept = Object.entries(isRecord(annotations) ? annotations : {}).filter(([key]) => keptAnnotations.test(key));
  const told = {
    name,
    namespace,
    generation,
    creationTimestamp,
    deletionTimestamp,
    annotations: Object.fromEntries(kept),
  };
  return { ...rest, metadata: told };
}

/** Only those of macvtap: others' configurations may hold what is nobody's business. */
export function isMacvtapNetwork({ metadata, spec }: ApiObject): boolean {
  const annotations = isRecord(metadata.annotations) ? Object.values(metadata.annotations) : [];
  const config = isRecord(spec) && typeof spec.config === 'string' ? spec.config : '';
  return /"type"\s*:\s*"macvtap"/.test(config) || annotations.some((value) => String(value).startsWith(resourcePrefix));
}

export function keepNode({ metadata, status }: ApiObject): object {
  const { allocatable, capacity, conditions, nodeInfo } = isRecord(status) ? status : {};
  const ours = (amounts: unknown) =>
    Object.fromEntries(
      Object.entries(isRecord(amounts) ? amounts : {}).filter(([key]) => key.startsWith(resourcePrefix)),
    );
  const { kernelVersion, kubeletVersion, osImage, architecture, containerRuntimeVersion } = isRecord(nodeInfo)
    ? nodeInfo
    : {};
  return {
    name: metadata.name,
    labels: metadata.labels,
    conditions,
    capacity: ours(capacity),
    allocatable: ours(allocatable),
    nodeInfo: { kernelVersion, kubeletVersion, osImage, architecture, containerRuntimeVersion },
  };
}

/** Of a pod or workload of ours what tells how it runs; never the values of variables. */
export function keepWorkload({ kind, metadata, spec, status }: ApiObject): object {
  const template =
    isRecord(spec) && isRecord(spec.template) && isRecord(spec.template.spec) ? spec.template.spec : spec;
  const containers =
    isRecord(template) && Array.isArray(template.containers) ? template.containers.filter(isRecord) : [];
  const node = isRecord(template) ? template.nodeName : undefined;
  return {
    kind,
    name: metadata.name,
    node,
    containers: containers.map(({ name, image, args, resources }) => ({ name, image, args, resources })),
    status,
  };
}

export function keepEvent({ metadata, ...event }: ApiObject): object {
  const { type, reason, message, involvedObject, count, firstTimestamp, lastTimestamp, eventTime, series } = event;
  const from = event.reportingComponent ?? (isRecord(event.source) ? event.source.component : undefined);
  const about = isRecord(involvedObject)
    ? `${involvedObject.kind} ${involvedObject.namespace ?? ''}/${involvedObject.name}`
    : '';
  const { namespace } = metadata;
  return { namespace, about, type, reason, message, count, from, firstTimestamp, lastTimestamp, eventTime, series };
}

/** Written by a program of ours, or about one of our pods. */
export function isOwnEvent({ metadata, reportingComponent, source, involvedObject }: ApiObject, own: string): boolean {
  const from = reportingComponent ?? (isRecord(source) ? source.component : undefined);
  const about = isRecord(involvedObject) ? involvedObject : {};
  return (
    String(from).startsWith('kube-macvtap') ||
    /^Macvtap/.test(String(about.kind)) ||
    (metadata.namespace === own && String(about.name).startsWith('kube-macvtap'))
  );
}

export function keepWebhooks({ kind, metadata, webhooks }: ApiObject): object {
  const list = Array.isArray(webhooks) ? webhooks.filter(isRecord) : [];
  return {
    kind,
    name: metadata.name,
    webhooks: list.map(({ clientConfig, ...webhook }) => {
      const { caBundle, ...client } = isRecord(clientConfig) ? clientConfig : {};
      return { ...webhook, clientConfig: { ...client, hasCABundle: caBundle !== undefined } };
    }),
  };
}
