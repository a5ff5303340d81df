// SPDX-License-Identifier: Apache-2.0
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-file.ts';
import { isRecord, type KnownObject } from '../../cluster/objects/known-object.ts';
import { readObject } from '../../cluster/objects/read-object.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../../policy/plan/read-explicit.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LintInput } from '../lint/read-inputs.ts';

/** What files would write of all that plans rest on; of an object that stands several times the last counts. */
export interface WrittenObjects {
  readonly policies: readonly Policy[];
  readonly explicit?: ExplicitConfig;
}

export interface ReadChangeOptions {
  readonly policyNamespace: string;
  /** Of objects that name none, as with `kubectl apply -n`. */
  readonly namespace: string;
}

/**
 * Reads the policies and the explicit config map among the objects of files; whatever else is there changes no plan.
 * Raises ManifestsUnreadable with everything that cannot be read, or that the API server or the webhook would refuse.
 */
export function readChange(inputs: readonly LintInput[], options: ReadChangeOptions): WrittenObjects {
  const faults: string[] = [];
  const known = inputs.flatMap((input) => readInput(input, options, faults));
  if (faults.length > 0) throw new MacvtapError('ManifestsUnreadable', faults.join('\n'));
  const policies = known.flatMap((object) => (object.kind === 'MacvtapNetworkNodePolicy' ? [object.value] : []));
  const explicit = known.findLast((object) => object.kind === 'ConfigMap')?.value;
  return {
    policies: [...new Map(policies.map((policy) => [policy.id, policy])).values()],
    ...(explicit !== undefined && { explicit }),
  };
}

function readInput(input: LintInput, options: ReadChangeOptions, faults: string[]): readonly KnownObject[] {
  const { name, isNamed, content } = input;
  if ('fault' in content) {
    faults.push(`${name}: ${content.fault}`);
    return [];
  }
  return parseDocuments(content.text).flatMap((document) => {
    const { content: parsed, line } = document;
    if ('fault' in parsed) {
      faults.push(`${name}:${line}: ${parsed.fault}`);
      return [];
    }
    return itemsOf(parsed.value).flatMap(({ value, path }) => {
      const read = readObject(inNamespace(value, options.namespace), options.policyNamespace);
      // A directory may hold other files than manifests.
      const isObject = isRecord(value) && typeof value.kind === 'string';
      if (read === undefined || (!isNamed && !isObject)) return [];
      for (const fault of read.faults ?? []) {
        faults.push(`${name}:${document.lineOf([...path, ...fault.path])}: ${read.id}: ${fault.message}`);
      }
      return read.known === undefined ? [] : [read.known];
    });
  });
}

function inNamespace(value: unknown, namespace: string): unknown {
  if (!isRecord(value) || !isRecord(value.metadata) || value.metadata.namespace !== undefined) return value;
  return { ...value, metadata: { ...value.metadata, namespace } };
}
