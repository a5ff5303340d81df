// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/** A Kubernetes object as a file holds it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** The objects of a YAML file. */
export function readObjects(path: string): readonly KubernetesObject[] {
  return parseObjects(readFileSync(path, 'utf8'), path);
}

/** The objects of YAML documents; those that hold nothing but comments are passed over. */
export function parseObjects(text: string, from: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${from}: ${document.errors.join('\n')}`);
    const object = document.toJS({ maxAliasCount: -1 }) as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}
