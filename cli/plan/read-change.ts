// SPDX-License-Identifier: Apache-2.0
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-manifests.ts';
import type { KnownObject } from '../../cluster/objects/known-object.ts';
import { readObject } from '../../cluster/objects/read-object.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { isJsonObject } from '../../policy/json.ts';
import { nearestNames } from '../../policy/names.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import { type ExplicitConfig, explicitConfigMap } from '../../policy/plan/from-explicit.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LintInput } from '../lint/read-inputs.ts';

/** The objects that affect plans, as read from files. If several have the same name, the last one counts. */
export interface WrittenObjects {
  readonly policies: readonly Policy[];
  readonly explicit?: ExplicitConfig;
}

export interface ReadChangeOptions {
  readonly policyNamespace: string;
  /** The namespace of objects that do not name one, as with `kubectl apply -n`. */
  readonly namespace: string;
}

/**
 * Reads the policies and the explicit config map from files. Ignores other objects, because they do not affect plans.
 * Raises ManifestsUnreadable, with a list of all objects that are unreadable, or that the API server or the webhook
 * would reject.
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
      // In a directory, skip YAML files that are not manifests.
      const isObject = isJsonObject(value) && typeof value.kind === 'string';
      if (read === undefined || (!isNamed && !isObject)) return [];
      for (const fault of read.faults ?? []) {
        faults.push(`${name}:${document.lineOf([...path, ...fault.path])}: ${read.id}: ${fault.message}`);
      }
      return read.known === undefined ? [] : [read.known];
    });
  });
}

function inNamespace(value: unknown, namespace: string): unknown {
  if (!isJsonObject(value) || !isJsonObject(value.metadata) || value.metadata.namespace !== undefined) return value;
  return { ...value, metadata: { ...value.metadata, namespace } };
}

/** The objects to delete. */
export interface Deletions {
  /** The IDs of the policies. */
  readonly policies: readonly string[];
  readonly explicit: boolean;
}

const policyKinds = /^(policy|policies|mvnnp|macvtapnetworknodepolic(y|ies)(\.macvtap\.network\.kubevirt\.io)?)$/;
const configMapKinds = /^(cm|configmaps?)$/;

/**
 * Reads deletions such as `policy/edge` and `configmap/macvtap-deviceplugin-config`. Both kinds are in the
 * installation's namespace. Raises InvalidFlags if the object does not exist or has another kind.
 */
export function readDeletions(texts: readonly string[], snapshot: Snapshot, policyNamespace: string): Deletions {
  const faults: string[] = [];
  const policies: string[] = [];
  let explicit = false;
  for (const text of texts) {
    const [kind = '', name = ''] = text.toLowerCase().split('/');
    const id = `${policyNamespace}/${name}`;
    if (configMapKinds.test(kind) && name === explicitConfigMap.name && snapshot.explicit !== undefined)
      explicit = true;
    else if (policyKinds.test(kind) && snapshot.policies.some((policy) => policy.id === id)) policies.push(id);
    else faults.push(`--delete ${text}: ${explain(kind, name, snapshot, policyNamespace)}`);
  }
  if (faults.length > 0) throw new MacvtapError('InvalidFlags', faults.join('\n'));
  return { policies, explicit };
}

function explain(kind: string, name: string, { policies }: Snapshot, policyNamespace: string): string {
  if (configMapKinds.test(kind))
    return `only ConfigMap ${explicitConfigMap.name} in ${policyNamespace} affects plans, and only if it exists`;
  if (!policyKinds.test(kind)) return 'write policy/<name>, or configmap/<name> for the explicit configuration';
  const near = nearestNames(
    name,
    policies.map(({ id }) => id.slice(id.indexOf('/') + 1)),
  );
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  return `no such policy in ${policyNamespace}${hint}`;
}

/**
 * Returns the cluster after the objects are deleted and the files applied. An existing policy keeps its age, which
 * decides conflicts. A new policy is the youngest, even if a policy with its name was deleted.
 */
export function applyChange(snapshot: Snapshot, written: WrittenObjects, deleted: Deletions): Snapshot {
  const before = new Map(snapshot.policies.map((policy) => [policy.id, policy]));
  const policies = written.policies.map((policy) => ({
    ...policy,
    createdMs: deleted.policies.includes(policy.id)
      ? Number.POSITIVE_INFINITY
      : (before.get(policy.id)?.createdMs ?? Number.POSITIVE_INFINITY),
  }));
  const isTouched = (id: string) => deleted.policies.includes(id) || policies.some((policy) => policy.id === id);
  return {
    ...snapshot,
    policies: [...snapshot.policies.filter(({ id }) => !isTouched(id)), ...policies],
    explicit: written.explicit ?? (deleted.explicit ? undefined : snapshot.explicit),
  };
}
