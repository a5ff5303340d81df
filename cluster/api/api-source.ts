// SPDX-License-Identifier: Apache-2.0
import { createListeners } from '../../runtime/listeners.ts';
import { type KnownObject, type ObjectsOf, updateSnapshot } from '../objects/known-object.ts';
import type { LiveSource, SourceFault } from '../source.ts';
import { emptySnapshot, type Snapshot } from '../source.ts';
import { describeOutage } from './api-errors.ts';
import type { ApiObject } from './api-resource.ts';
import { type ApiClient, openApiClient } from './client.ts';
import type { ConnectOptions } from './connect.ts';
import { ListWatch } from './list-watch.ts';
import { createApiLookups } from './lookups.ts';
import { createObjectReader, type ObjectReader } from './object-reader.ts';
import type { WatchTimings } from './watch-stream.ts';
import { type Kind, rememberMostMatched, type WatchScope, watchedKinds } from './watched-kinds.ts';

/** The maximum time that opening a source waits for the first state. The API server may be unreachable. */
const openMs = 2_000;

export interface ApiSourceOptions extends WatchScope {
  readonly client: ApiClient;
  /** Whether disposing of the source also disposes of the client. */
  readonly ownsClient?: boolean;
  readonly timings?: Partial<WatchTimings>;
}

/** Connects to an API server and follows it. The connection ends with the source. Raises ApiServerUnknown. */
export async function openApiSource({ kubeconfig, ...scope }: ConnectOptions & WatchScope): Promise<LiveSource> {
  using undo = new DisposableStack();
  const client = undo.use(await openApiClient({ kubeconfig }));
  const source = await ApiSource.open({ client, ownsClient: true, ...scope });
  undo.move();
  return source;
}

/** The watch of one kind, and the objects read from it. */
interface FollowedKind {
  readonly watch: ListWatch;
  readonly reader: ObjectReader;
  /** The revision of the watch at which `known` and `faults` were read. */
  revision: number;
  known: readonly KnownObject[];
  faults: readonly SourceFault[];
}

/**
 * Follows an API server. Until every kind has been read once, the snapshot is empty. After that, each change creates a
 * new snapshot, which shares all unchanged maps and values with the previous one. While the API server is unreachable,
 * the last snapshot stays in force.
 */
export class ApiSource implements LiveSource {
  readonly lookups;
  readonly origin;
  readonly #ownsClient: boolean;
  readonly #kinds = new Map<Kind, FollowedKind>();
  readonly #listeners = createListeners();
  #snapshot: Snapshot = emptySnapshot;
  #faults: readonly SourceFault[] = [];
  #synced = false;
  #timer: NodeJS.Timeout | undefined;
  #waitMs = coalesceMs(0);
  #closed = false;

  /** Opens a source. Resolves after the first state, the first error, or two seconds, whichever comes first. */
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
    const { client, ownsClient = false, policyNamespace, timings } = options;
    const matched = rememberMostMatched();
    this.origin = {
      kind: 'cluster',
      client,
      get mostMatched() {
        return matched.nodes;
      },
    } as const;
    this.#ownsClient = ownsClient;
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

  get confirmedMs(): ReadonlyMap<Kind, number | undefined> {
    return new Map([...this.#kinds].map(([kind, { watch }]) => [kind, watch.confirmedMs]));
  }

  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    await Promise.all([...this.#kinds.values()].map(({ watch }) => watch[Symbol.asyncDispose]()));
    if (this.#ownsClient) this.origin.client[Symbol.dispose]();
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
    if (changed.size > 0) this.#snapshot = updateSnapshot(this.#snapshot, this.#objectsOf(changed));
    this.#synced = synced;
    this.#faults = faults;
    this.#listeners.notify();
  }

  /** Returns a function that returns the objects of a kind if the kind has changed, and undefined otherwise. */
  #objectsOf(changed: ReadonlySet<Kind>): ObjectsOf {
    return <Of extends Kind>(kind: Of) =>
      changed.has(kind) ? (this.#kinds.get(kind)?.known as readonly Extract<KnownObject, { kind: Of }>[]) : undefined;
  }
}

const none: ReadonlySet<Kind> = new Set();

/**
 * Reads the objects of a kind again if its watch has changed. Returns whether the result differs from the previous one.
 */
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

/**
 * Returns how long to collect events before the next snapshot, given the time that the last snapshot took. Events come
 * in bursts: a deployment creates a hundred objects. With five thousand nodes, a snapshot takes several milliseconds,
 * and its listeners take as long again. Therefore, snapshots must be rare while all nodes report.
 */
export function coalesceMs(lastCostMs: number): number {
  return Math.min(Math.max(shortestWaitMs, lastCostMs * costShare), longestWaitMs);
}

const shortestWaitMs = 10;
/** Limits snapshots to about a twentieth of the total time. */
const costShare = 20;
/**
 * The longest wait, because changes must take effect soon. Until the next snapshot, the webhook looks up objects that
 * are missing from the last one.
 */
const longestWaitMs = 250;
