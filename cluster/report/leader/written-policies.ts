// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../../policy/json.ts';
import type { Policy } from '../../../policy/nodepolicy/read-policy.ts';
import type { PolicyStatus } from '../../../policy/status/decide-status.ts';
import type { MacvtapError } from '../../../runtime/errors.ts';
import { refused } from '../../api/api-errors.ts';
import { type ApiObject, keyOf } from '../../api/api-resource.ts';
import type { ApiClient } from '../../api/client.ts';
import { ListWatch } from '../../api/list-watch.ts';
import { policiesIn, policyStatusPath } from '../../api/watched-kinds.ts';
import { readObject } from '../../objects/read-object.ts';

/** A policy and its current status. */
export interface WrittenPolicy {
  readonly uid: string;
  readonly policy: Policy;
  readonly status: PolicyStatus | undefined;
}

/** Every policy of the cluster, including those outside the installation's namespace. */
export interface PolicyWatch extends AsyncDisposable {
  readonly synced: boolean;
  /** The error that prevents updates. */
  readonly problem: MacvtapError | undefined;
  /** By `namespace/name`. `policy` stays the same object until the generation of the policy changes. */
  readonly current: ReadonlyMap<string, WrittenPolicy>;
}

export interface PolicyWatchOptions {
  readonly client: ApiClient;
  readonly policyNamespace: string;
  readonly onChange: () => void;
}

/**
 * Follows policies together with their statuses. The status writer needs the statuses, but `Source` omits them. A
 * policy is parsed again only if its generation changed. A write of its status does not change the generation.
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

/** Trims a policy, but keeps its status. */
function withStatus(object: ApiObject, trim: (object: ApiObject) => ApiObject): ApiObject {
  return { ...trim(object), status: object.status };
}

function readEntry({ status, ...object }: ApiObject, known: Entry | undefined, namespace: string): Entry | undefined {
  const uid = String(object.metadata.uid);
  const written = isJsonObject(status) ? (status as PolicyStatus) : undefined;
  const isSame = known?.uid === uid && known.object.metadata.generation === object.metadata.generation;
  const policy = isSame ? known.policy : readPolicy(object, namespace);
  return policy && { uid, policy, status: written, object };
}

function readPolicy(object: object, namespace: string): Policy | undefined {
  const known = readObject(object, namespace)?.known;
  return known?.kind === 'MacvtapNetworkNodePolicy' ? known.value : undefined;
}

/** Identifies the policy of a status. The UID differs from that of a recreated policy with the same name. */
interface StatusOwner {
  /** `namespace/name`. */
  readonly id: string;
  readonly uid: string;
}

/**
 * Writes a status. `gone` means that the policy was deleted or recreated. Raises ApiServerRefused and the errors of the
 * client.
 */
export type WriteStatus = (
  owner: StatusOwner,
  status: PolicyStatus,
  signal: AbortSignal,
) => Promise<'written' | 'gone'>;

/**
 * Creates a writer that uses server-side apply. An apply causes no version conflicts, removes fields that are no longer
 * applied, and does not touch the fields of other clients.
 */
export function createStatusWriter(client: ApiClient): WriteStatus {
  return async ({ id, uid }, status, signal) => {
    const [namespace = '', name = ''] = id.split('/');
    const body = {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name, namespace, uid },
      status,
    };
    const options = { contentType: 'application/apply-patch+yaml', signal };
    const answer = await client.request('PATCH', `${policyStatusPath(namespace, name)}?${query}`, body, options);
    // 409 means that the UID differs, because a forced apply has no other conflicts.
    if (answer.status === 404 || answer.status === 409) return 'gone';
    if (answer.status >= 300) throw refused(`apply the status of MacvtapNetworkNodePolicy ${id}`, answer);
    return 'written';
  };
}

/** The field manager of policy statuses. No other client should write them, so `force` overwrites manual edits. */
const query = new URLSearchParams({ fieldManager: 'kube-macvtap-status', force: 'true' });
