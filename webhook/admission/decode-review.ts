// SPDX-License-Identifier: Apache-2.0
import type { AdmissionRequest, JsonObject, Operation, ReviewedObject } from './admission-review.ts';

/**
 * A body read: a request; or what is wrong with it, with the uid where one can be read, so that even then the answer is
 * an AdmissionReview.
 */
export type Decoded =
  | { readonly request: AdmissionRequest; readonly fault?: undefined }
  | { readonly request?: undefined; readonly fault: string; readonly uid: string | undefined };

const apiVersion = 'admission.k8s.io/v1';
const operations: readonly string[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] satisfies readonly Operation[];

/** Reads an AdmissionReview about objects of a kind. Takes any JSON value and never throws. */
export function decodeReview(body: unknown, kind: string): Decoded {
  if (!isObject(body)) return { fault: `the body is ${describe(body)}, not an AdmissionReview`, uid: undefined };
  const { request } = body;
  const uid = isObject(request) && typeof request.uid === 'string' && request.uid !== '' ? request.uid : undefined;
  const refuse = (fault: string): Decoded => ({ fault, uid });
  if (body.kind !== 'AdmissionReview') return refuse(`kind is ${show(body.kind)}; send an AdmissionReview`);
  if (body.apiVersion !== apiVersion) {
    const advice = 'write it in admissionReviewVersions of the webhook configuration';
    return refuse(`apiVersion is ${show(body.apiVersion)}; this webhook speaks ${apiVersion}: ${advice}`);
  }
  if (!isObject(request)) return refuse('request is missing');
  if (uid === undefined) return refuse('request.uid is missing');
  return readRequest(request, uid, kind, refuse);
}

function readRequest(request: JsonObject, uid: string, kind: string, refuse: (fault: string) => Decoded): Decoded {
  const { operation } = request;
  if (!isOperation(operation))
    return refuse(`request.operation is ${show(operation)}; one of ${operations.join(', ')}`);
  const asked = isObject(request.kind) ? request.kind.kind : undefined;
  if (asked !== kind) return refuse(`request.kind.kind is ${show(asked)}; this path reviews ${kind}: check its path`);
  const namespace = textOr(request.namespace, '');
  const object = readObject(request.object, namespace);
  const oldObject = readObject(request.oldObject, namespace);
  if (object === 'broken') return refuse('request.object is no Kubernetes object: it has no metadata');
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
      // Absent rather than broken: it only softens what is said of the object. On CREATE there is none.
      oldObject: oldObject === 'broken' || operation === 'CREATE' ? undefined : oldObject,
    },
  };
}

/** The object with the request's namespace in it: server-side apply leaves it out, and nothing else is to be believed. */
function readObject(value: unknown, namespace: string): ReviewedObject | undefined | 'broken' {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value) || !isObject(value.metadata)) return 'broken';
  const { metadata } = value;
  if (metadata.namespace === namespace) return value as unknown as ReviewedObject;
  return { ...value, metadata: { ...metadata, namespace } };
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'string' && operations.includes(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** A value of the body in a message: short, since it may be anything. */
function show(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? 'missing' : describe(value);
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
}

function describe(value: unknown): string {
  if (value === undefined) return 'empty';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
