// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/** A Kubernetes object as it is in a file. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** Returns the objects of a YAML file. */
export function readObjects(path: string): readonly KubernetesObject[] {
  return parseObjects(readFileSync(path, 'utf8'), path);
}

/** Returns the objects of YAML documents. Documents with only comments are skipped. */
export function parseObjects(text: string, from: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${from}: ${document.errors.join('\n')}`);
    const object = document.toJS({ maxAliasCount: -1 }) as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}
