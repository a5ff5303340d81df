// SPDX-License-Identifier: Apache-2.0
import type { KnownObject } from '../objects/known-object.ts';
import { emptySnapshot, type Snapshot } from '../snapshot.ts';
import type { LiveSource, SourceFault } from '../source.ts';
import { createApiLookups } from './api-lookups.ts';
import type { ApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { describeOutage } from './describe-outage.ts';
import { ListWatch } from './list-watch.ts';
import { rememberMostMatched } from './most-matched.ts';
import { createObjectReader, type ObjectReader } from './object-reader.ts';
import { coalesceMs, type WatchTimings } from './pace.ts';
import { type Kind, type WatchScope, watchedKinds } from './watched-kinds.ts';

/** For so long a source that opens waits for its first state: not for ever, the API server may be away. */
const openMs = 2_000;

export interface ApiSourceOptions extends WatchScope {
  readonly client: ApiClient;
  readonly timings?: Partial<WatchTimings>;
}

/** A kind, followed and read. */
interface FollowedKind {
  readonly watch: ListWatch;
  readonly reader: ObjectReader;
  /** The revision of the watch that `known` and `faults` are of. */
  revision: number;
  known: readonly KnownObject[];
  faults: readonly SourceFault[];
}

/**
 * An API server as a source. The snapshot is empty until every kind was read once; from then on each change is a new one,
 * in which what did not change, whole maps and single values, is the same as before. While the API server is away the
 * last state stays.
 */
export class ApiSource implements LiveSource {
  readonly lookups;
  readonly origin;
  readonly #kinds = new Map<Kind, FollowedKind>();
  readonly #listeners = new Set<() => void>();
  #snapshot: Snapshot = emptySnapshot;
  #faults: readonly SourceFault[] = [];
  #synced = false;
  #timer: NodeJS.Timeout | undefined;
  #waitMs = coalesceMs(0);
  #closed = false;

  /** Returns with the first state, or, should the API server be away or slow, after two seconds without one. */
  static async open(options: ApiSourceOptions): Promise<ApiSource> {
    const source = new ApiSource(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, openMs);
    using _changes = source.onChange(() => (source.synced || source.faults.length > 0) && resolve());
    await promise;
    clearTimeout(timer);
    return source;
  }

  private constructor(options: ApiSourceOptions) {
    const { client, policyNamespace, timings } = options;
    const matched = rememberMostMatched();
    this.origin = {
      kind: 'cluster',
      client,
      get mostMatched() {
        return matched.nodes;
      },
    } as const;
    this.lookups = createApiLookups(client, policyNamespace);
    for (const { kind, resource, trim } of watchedKinds(options)) {
      const take = (object: ApiObject): ApiObject => {
        if (kind === 'MacvtapNetworkNodePolicy') matched.note(object);
        return trim(object);
      };
      const watch = new ListWatch({ client, resource, trim: take, timings, onChange: () => this.#schedule() });
      const reader = createObjectReader(policyNamespace);
      this.#kinds.set(kind, { watch, reader, revision: -1, known: [], faults: [] });
    }
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get synced(): boolean {
    return this.#synced;
  }

  get faults(): readonly SourceFault[] {
    return this.#faults;
  }

  get heardMs(): ReadonlyMap<Kind, number | undefined> {
    return new Map([...this.#kinds].map(([kind, { watch }]) => [kind, watch.heardMs]));
  }

  onChange(listener: () => void): Disposable {
    // A wrapper of its own, so that a function registered twice is called twice.
    const own = () => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    await Promise.all([...this.#kinds.values()].map(({ watch }) => watch[Symbol.asyncDispose]()));
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const begunMs = performance.now();
      this.#publish();
      this.#waitMs = coalesceMs(performance.now() - begunMs);
    }, this.#waitMs);
  }

  #publish(): void {
    const kinds = [...this.#kinds.values()];
    const synced = kinds.every(({ watch }) => watch.synced);
    const changed = synced ? new Set([...this.#kinds].filter(([, kind]) => refresh(kind)).map(([name]) => name)) : none;
    const problems = kinds.map(({ watch }) => ({ what: watch.resource.what, problem: watch.problem }));
    const outage = describeOutage(this.origin.client.server, problems, this.#faults);
    const faults = [...outage, ...kinds.flatMap((kind) => kind.faults)];
    const isNews =
      changed.size > 0 || synced !== this.#synced || JSON.stringify(faults) !== JSON.stringify(this.#faults);
    if (!isNews) return;
    if (changed.size > 0) this.#snapshot = this.#assemble(changed);
    this.#synced = synced;
    this.#faults = faults;
    for (const listener of [...this.#listeners]) listener();
  }

  #assemble(changed: ReadonlySet<Kind>): Snapshot {
    const before = this.#snapshot;
    const of = <Of extends Kind>(kind: Of) =>
      (this.#kinds.get(kind)?.known ?? []) as readonly Extract<KnownObject, { kind: Of }>[];
    return {
      nodes: changed.has('Node') ? new Map(of('Node').map(({ value }) => [value.name, value])) : before.nodes,
      namespaces: changed.has('Namespace')
        ? new Map(of('Namespace').map(({ name, value }) => [name, value]))
        : before.namespaces,
      policies: changed.has('MacvtapNetworkNodePolicy')
        ? of('MacvtapNetworkNodePolicy').map(({ value }) => value)
        : before.policies,
      networks: changed.has('NetworkAttachmentDefinition')
        ? new Map(
            of('NetworkAttachmentDefinition').map(({ value }) => [
              `${value.metadata.namespace}/${value.metadata.name}`,
              value,
            ]),
          )
        : before.networks,
      nodeStates: changed.has('MacvtapNetworkNodeState')
        ? new Map(of('MacvtapNetworkNodeState').map(({ name, value }) => [name, value]))
        : before.nodeStates,
      explicit: changed.has('ConfigMap') ? of('ConfigMap')[0]?.value : before.explicit,
    };
  }
}

const none: ReadonlySet<Kind> = new Set();

/** Reads what changed of a kind; returns whether anything did. */
function refresh(kind: FollowedKind): boolean {
  const { watch, reader } = kind;
  if (watch.revision === kind.revision) return false;
  kind.revision = watch.revision;
  const { known, faults } = reader.read(watch.objects);
  kind.faults = faults;
  const isSame = known.length === kind.known.length && known.every((object, index) => object === kind.known[index]);
  kind.known = known;
  return !isSame;
}
