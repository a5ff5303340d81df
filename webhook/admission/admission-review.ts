// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../../policy/json.ts';

/**
 * An object under review. The only guarantee is that it has metadata, with the namespace of the request. Every other
 * field may have any value.
 */
interface ReviewedObject {
  readonly metadata: JsonObject & { readonly namespace: string };
}

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/**
 * The fields of an admission.k8s.io/v1 AdmissionRequest that the webhook reads.
 *
 * @example { uid: '705a…', kind: 'Pod', operation: 'CREATE', namespace: 'tenant', name: 'vm-1', object: { … } }
 */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: string;
  readonly operation: Operation;
  /** @example 'status' */
  readonly subResource: string | undefined;
  readonly namespace: string;
  /** Empty if the API server has not generated the name yet. */
  readonly name: string;
  /** Absent on DELETE. */
  readonly object: ReviewedObject | undefined;
  /** The existing object: present on UPDATE and DELETE. */
  readonly oldObject: ReviewedObject | undefined;
}

/** One reason of a denial: metav1.StatusCause. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** The part of metav1.Status in a refusal. */
export interface RefusalStatus {
  readonly status: 'Failure';
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly StatusCause[];
    /** The delay after which clients of the API server, including kubectl, retry automatically. */
    readonly retryAfterSeconds?: number;
  };
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly status?: RefusalStatus;
  readonly patchType?: 'JSONPatch';
  /** A base64-encoded JSON Patch. */
  readonly patch?: string;
}

/** The answer to an AdmissionReview. */
export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: AdmissionResponse;
}

/**
 * A decoded body: either a request or an error. An error includes the uid if the uid is readable, because an answer to
 * the API server needs it.
 */
export type Decoded =
  | { readonly request: AdmissionRequest; readonly fault?: undefined }
  | { readonly request?: undefined; readonly fault: string; readonly uid: string | undefined };

const apiVersion = 'admission.k8s.io/v1';
const operations: readonly string[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] satisfies readonly Operation[];

/** Decodes an AdmissionReview about objects of a kind. Accepts any JSON value and never throws. */
export function decodeReview(body: unknown, kind: string): Decoded {
  if (!isJsonObject(body)) return { fault: `the body is ${describe(body)}, not an AdmissionReview`, uid: undefined };
  const { request } = body;
  const uid = isJsonObject(request) && typeof request.uid === 'string' && request.uid !== '' ? request.uid : undefined;
  const refuse = (fault: string): Decoded => ({ fault, uid });
  if (body.kind !== 'AdmissionReview') return refuse(`kind is ${show(body.kind)}; send an AdmissionReview`);
  if (body.apiVersion !== apiVersion) {
    const advice = 'write it in admissionReviewVersions of the webhook configuration';
    return refuse(`apiVersion is ${show(body.apiVersion)}; this webhook speaks ${apiVersion}: ${advice}`);
  }
  if (!isJsonObject(request)) return refuse('request is missing');
  if (uid === undefined) return refuse('request.uid is missing');
  return readRequest(request, uid, kind, refuse);
}

function readRequest(request: JsonObject, uid: string, kind: string, refuse: (fault: string) => Decoded): Decoded {
  const { operation } = request;
  if (!isOperation(operation))
    return refuse(`request.operation is ${show(operation)}; one of ${operations.join(', ')}`);
  const asked = isJsonObject(request.kind) ? request.kind.kind : undefined;
  if (asked !== kind) return refuse(`request.kind.kind is ${show(asked)}; this path reviews ${kind}: check its path`);
  const namespace = textOr(request.namespace, '');
  const object = readObject(request.object, namespace);
  const oldObject = readObject(request.oldObject, namespace);
  if (object === 'broken') return refuse('request.object is not a Kubernetes object: it has no metadata');
  const needed = operation === 'CREATE' || operation === 'UPDATE';
  if (needed && object === undefined) return refuse(`request.object is missing on ${operation}`);
  return {
    request: {
      uid,
      kind,
      operation,
      subResource: textOr(request.subResource, '') || undefined,
      namespace,
      name: textOr(request.name, textOr(object?.metadata.name, '')),
      object,
      // Omits an invalid old object. The rules without an old object are at least as strict. On CREATE, there is no old
      // object.
      oldObject: oldObject === 'broken' || operation === 'CREATE' ? undefined : oldObject,
    },
  };
}

/**
 * Reads an object and sets its namespace to that of the request. In a server-side apply, the object may have no
 * namespace. If the object has a different namespace, that one is not trusted.
 */
function readObject(value: unknown, namespace: string): ReviewedObject | undefined | 'broken' {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value) || !isJsonObject(value.metadata)) return 'broken';
  const { metadata } = value;
  if (metadata.namespace === namespace) return value as unknown as ReviewedObject;
  return { ...value, metadata: { ...metadata, namespace } };
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'string' && operations.includes(value);
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** Shortens a value of the body for a message. */
function show(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? 'missing' : describe(value);
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
}

function describe(value: unknown): string {
  if (value === undefined) return 'empty';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
