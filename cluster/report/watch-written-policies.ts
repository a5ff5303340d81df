// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { PolicyStatus } from '../../policy/status/decide-status.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { type ApiObject, keyOf } from '../api/api-object.ts';
import type { ApiClient } from '../api/client.ts';
import { ListWatch } from '../api/list-watch.ts';
import { policiesIn } from '../api/watched-kinds.ts';
import { isRecord } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';

/** A policy with the status that stands written in it. */
export interface WrittenPolicy {
  readonly uid: string;
  readonly policy: Policy;
  readonly status: PolicyStatus | undefined;
}

/** Every policy of the cluster, also those that stand where none counts. */
export interface PolicyWatch extends AsyncDisposable {
  readonly synced: boolean;
  /** Why nothing new is heard. */
  readonly problem: MacvtapError | undefined;
  /** By `namespace/name`; what did not change is the same as before. */
  readonly current: ReadonlyMap<string, WrittenPolicy>;
}

export interface PolicyWatchOptions {
  readonly client: ApiClient;
  readonly policyNamespace: string;
  readonly onChange: () => void;
}

/**
 * Follows policies with their statuses, which the source of everything else leaves out: whoever writes a status must know
 * what stands there. A policy whose generation is the same is the same, so that a status that was written costs nothing.
 */
export function watchWrittenPolicies({ client, policyNamespace, onChange }: PolicyWatchOptions): PolicyWatch {
  const { resource, trim } = policiesIn(undefined);
  let read: { readonly revision: number; readonly entries: ReadonlyMap<string, Entry> } = {
    revision: -1,
    entries: new Map(),
  };
  const watch = new ListWatch({ client, resource, trim: (object) => withStatus(object, trim), onChange });
  const refresh = (): ReadonlyMap<string, Entry> => {
    if (watch.revision === read.revision) return read.entries;
    const entries = [...watch.objects.values()].flatMap((object) => {
      const entry = readEntry(object, read.entries.get(keyOf(object)), policyNamespace);
      return entry === undefined ? [] : [[keyOf(object), entry] as const];
    });
    read = { revision: watch.revision, entries: new Map(entries) };
    return read.entries;
  };
  return {
    get synced() {
      return watch.synced;
    },
    get problem() {
      return watch.problem;
    },
    get current() {
      return refresh();
    },
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

interface Entry extends WrittenPolicy {
  readonly object: ApiObject;
}

/** The kept part of a policy, and its status. */
function withStatus(object: ApiObject, trim: (object: ApiObject) => ApiObject): ApiObject {
  return { ...trim(object), status: object.status };
}

function readEntry({ status, ...object }: ApiObject, known: Entry | undefined, namespace: string): Entry | undefined {
  const uid = String(object.metadata.uid);
  const written = isRecord(status) ? (status as PolicyStatus) : undefined;
  const isSame = known?.uid === uid && known.object.metadata.generation === object.metadata.generation;
  const policy = isSame ? known.policy : readPolicy(object, namespace);
  return policy && { uid, policy, status: written, object };
}

function readPolicy(object: object, namespace: string): Policy | undefined {
  const known = readObject(object, namespace)?.known;
  return known?.kind === 'MacvtapNetworkNodePolicy' ? known.value : undefined;
}
