// SPDX-License-Identifier: Apache-2.0

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An object under review: has metadata, and in it the namespace of the request. Everything else may be anything. */
export interface ReviewedObject {
  readonly metadata: JsonObject & { readonly namespace: string };
}

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/**
 * What the API server asks, as far as it is read (admission.k8s.io/v1 AdmissionRequest).
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
  /** Empty where the name is yet to be generated. */
  readonly name: string;
  /** Absent on DELETE. */
  readonly object: ReviewedObject | undefined;
  /** What is there now: present on UPDATE and DELETE. */
  readonly oldObject: ReviewedObject | undefined;
}

/** One thing that speaks against an object, as metav1.StatusCause has it. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** The part of metav1.Status that a refusal carries. */
export interface RefusalStatus {
  readonly status: 'Failure';
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly Cause[];
    /** Clients of the API server, kubectl too, try again by themselves after that long. */
    readonly retryAfterSeconds?: number;
  };
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly status?: RefusalStatus;
  readonly patchType?: 'JSONPatch';
  /** In base64. */
  readonly patch?: string;
}

/** The answer as it is sent. */
export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: AdmissionResponse;
}
