// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import { draDriver } from '../../policy/device/dra-names.ts';
import { isJsonObject } from '../../policy/json.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';

/**
 * Matches the annotations that a bundle keeps. Other annotations may contain private data, such as a copy of the
 * applied object.
 */
const keptAnnotations = /^(k8s\.v1\.cni\.cncf\.io\/|v1\.multus-cni\.io\/|macvtap\.network\.kubevirt\.io\/)/;

/** Keeps a whole policy, node state or macvtap network, but without the annotations of other programs. */
export function keepOwn({ metadata, ...rest }: ApiObject): object {
  const { name, namespace, generation, creationTimestamp, deletionTimestamp, annotations } = metadata;
  const kept = Object.entries(isJsonObject(annotations) ? annotations : {}).filter(([key]) =>
    keptAnnotations.test(key),
  );
  const trimmed = {
    name,
    namespace,
    generation,
    creationTimestamp,
    deletionTimestamp,
    annotations: Object.fromEntries(kept),
  };
  return { ...rest, metadata: trimmed };
}

/**
 * Returns whether a network is a macvtap network. Other networks are not collected, because their configurations may be
 * private.
 */
export function isMacvtapNetwork({ metadata, spec }: ApiObject): boolean {
  const annotations = isJsonObject(metadata.annotations) ? Object.values(metadata.annotations) : [];
  const config = isJsonObject(spec) && typeof spec.config === 'string' ? spec.config : '';
  return /"type"\s*:\s*"macvtap"/.test(config) || annotations.some((value) => String(value).startsWith(resourcePrefix));
}

export function keepNode({ metadata, status }: ApiObject): object {
  const { allocatable, capacity, conditions, nodeInfo } = isJsonObject(status) ? status : {};
  const macvtapOnly = (amounts: unknown) =>
    Object.fromEntries(
      Object.entries(isJsonObject(amounts) ? amounts : {}).filter(([key]) => key.startsWith(resourcePrefix)),
    );
  const { kernelVersion, kubeletVersion, osImage, architecture, containerRuntimeVersion } = isJsonObject(nodeInfo)
    ? nodeInfo
    : {};
  return {
    name: metadata.name,
    labels: metadata.labels,
    conditions,
    capacity: macvtapOnly(capacity),
    allocatable: macvtapOnly(allocatable),
    nodeInfo: { kernelVersion, kubeletVersion, osImage, architecture, containerRuntimeVersion },
  };
}

/** Keeps only the fields that show how a pod or workload of kube-macvtap runs. Environment variables are removed. */
export function keepWorkload({ kind, metadata, spec, status }: ApiObject): object {
  const template =
    isJsonObject(spec) && isJsonObject(spec.template) && isJsonObject(spec.template.spec) ? spec.template.spec : spec;
  const containers =
    isJsonObject(template) && Array.isArray(template.containers) ? template.containers.filter(isJsonObject) : [];
  const node = isJsonObject(template) ? template.nodeName : undefined;
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
  const from = event.reportingComponent ?? (isJsonObject(event.source) ? event.source.component : undefined);
  const about = isJsonObject(involvedObject)
    ? `${involvedObject.kind} ${involvedObject.namespace ?? ''}/${involvedObject.name}`
    : '';
  const { namespace } = metadata;
  return { namespace, about, type, reason, message, count, from, firstTimestamp, lastTimestamp, eventTime, series };
}

/**
 * Returns whether kube-macvtap wrote the event, or the event is about an object of its CRDs or about one of its
 * components. `own` is the namespace of the installation. `workloads` are the names of its workloads. The name of each
 * pod begins with the name of its workload.
 */
export function isOwnEvent(
  { metadata, reportingComponent, source, involvedObject }: ApiObject,
  own: string,
  workloads: readonly string[],
): boolean {
  const from = reportingComponent ?? (isJsonObject(source) ? source.component : undefined);
  const about = isJsonObject(involvedObject) ? involvedObject : {};
  return (
    String(from).startsWith('kube-macvtap') ||
    /^Macvtap/.test(String(about.kind)) ||
    (metadata.namespace === own && workloads.some((name) => `${about.name}-`.startsWith(`${name}-`)))
  );
}

/**
 * Keeps a claim that has devices of this project, without the devices and configurations of other drivers. Returns
 * undefined for any other claim.
 */
export function keepClaim(object: ApiObject): object | undefined {
  const { allocation, reservedFor } = isJsonObject(object.status) ? object.status : {};
  const { devices, nodeSelector } = isJsonObject(allocation) ? allocation : {};
  const allocated = isJsonObject(devices) && Array.isArray(devices.results) ? devices.results : [];
  const results = allocated.filter((result) => isJsonObject(result) && result.driver === draDriver);
  if (results.length === 0) return undefined;
  const asked = isJsonObject(object.spec) && isJsonObject(object.spec.devices) ? object.spec.devices.requests : [];
  const names = results.map(({ request }) => String(request).split('/')[0]);
  const requests = (Array.isArray(asked) ? asked : []).filter(
    (one) => isJsonObject(one) && names.includes(String(one.name)),
  );
  return { ...keepOwn({ ...object, spec: { requests } }), status: { results, nodeSelector, reservedFor } };
}

export function keepWebhooks({ kind, metadata, webhooks }: ApiObject): object {
  const list = Array.isArray(webhooks) ? webhooks.filter(isJsonObject) : [];
  return {
    kind,
    name: metadata.name,
    webhooks: list.map(({ clientConfig, ...webhook }) => {
      const { caBundle, ...client } = isJsonObject(clientConfig) ? clientConfig : {};
      return { ...webhook, clientConfig: { ...client, hasCABundle: caBundle !== undefined } };
    }),
  };
}

const hidden = '[removed]';

/** Matches a PEM block, even if its end is missing. Certificates are excluded, because they are public. */
const pem = /-----BEGIN (?!CERTIFICATE-----)[A-Z0-9 ]+-----(?:[\s\S]*?-----END [A-Z0-9 ]+-----|[\s\S]*$)/g;

/**
 * Matches a base64-encoded PEM block, as in Secrets. The alternatives are "-----BEGIN " at each of the three possible
 * offsets.
 */
const encodedPEM = /(?:LS0tLS1CRUdJT|0tLS0tQkVHSU4|tLS0tLUJFR0lOI)[A-Za-z0-9+/=]{16,}/g;

/** Matches a JSON web token, such as that of a service account. */
const webToken = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

/** Matches credentials in an HTTP header or a command line. */
const credentials = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;

/** Matches a user with a password in a URL. */
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/:@"']+:[^\s/@"']+@/gi;

/** Matches an authorization header with any other scheme. */
const authorization = /(\bauthorization(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?)(?!\[removed)[^\s"'\\]+\s+[^\s"'\\]{8,}/gi;

/** Matches tokens of GitHub, Slack and AWS, which have known prefixes. */
const ownedToken = /\b(?:gh[opusr]_\w{20,}|github_pat_\w{20,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16})\b/g;

/**
 * Matches `password: x`, `"token":"x"` and `--client-secret=x`, even in JSON inside a string. Longer keys that end in
 * such a word also match.
 */
const namedValue =
  /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]key[-_]data|credentials?)(?:\\*["'])?\s*[:=]\s*)([|>][-+\d]*\n(?:[ \t]+[^\n]*(?:\n|$))+|\\+"[^"]*"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}"']+)/gi;

/**
 * Removes text that looks like a secret. Objects in a bundle normally contain no secrets. This function removes secrets
 * that a person put into the wrong field, or that appear in a log.
 */
export function redact(text: string): string {
  return text
    .replaceAll(pem, hidden)
    .replaceAll(encodedPEM, hidden)
    .replaceAll(webToken, hidden)
    .replaceAll(credentials, `$1 ${hidden}`)
    .replaceAll(authorization, `$1${hidden}`)
    .replaceAll(ownedToken, hidden)
    .replaceAll(userInfo, `$1${hidden}@`)
    .replaceAll(namedValue, (_, name: string, value: string) => `${name}${hidden}${value.endsWith('\n') ? '\n' : ''}`);
}
