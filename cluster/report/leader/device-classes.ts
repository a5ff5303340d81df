// SPDX-License-Identifier: Apache-2.0
import { deviceClassOf, hasClassSpec, type ResourceClass, specOfClass } from '../../../policy/device/dra-names.ts';
import { ownValue } from '../../../policy/json.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { createListeners } from '../../../runtime/listeners.ts';
import { createSleeper, pause } from '../../../runtime/pause.ts';
import { type BucketSize, createTokenBucket } from '../../../runtime/token-bucket.ts';
import { isUnreachable, refused, skipRepeatedErrors } from '../../api/api-errors.ts';
import type { ApiObject } from '../../api/api-resource.ts';
import { backOffMs } from '../../api/back-off.ts';
import type { ApiClient } from '../../api/client.ts';
import { ListWatch } from '../../api/list-watch.ts';
import type { Source } from '../../source.ts';
import {
  type BlockedClasses,
  type ClassedResources,
  classLabels,
  groupByPolicy,
  isOwn,
  mostReported,
  noneBlocked,
  resourcesWithClass,
  type TakenClass,
  takenBy,
} from './choose-classes.ts';

export interface DeviceClassOptions {
  readonly client: ApiClient;
  readonly source: Pick<Source, 'snapshot' | 'synced' | 'onChange'>;
  readonly offers: {
    readonly current: Offers;
    /** Nothing is written while this is false: classes of resources that are not known yet would be deleted. */
    readonly isSound: boolean;
    onChange(listener: () => void): Disposable;
  };
  /** Called after each write. */
  readonly onWritten: (written: WrittenClass) => void;
  /** Called with each problem once while it lasts, and with undefined when no problem is left. */
  readonly onState: (error: MacvtapError | undefined) => void;
  /** The limit of creations that nodes can cause with their reports. */
  readonly reportedCreations?: BucketSize;
}

export interface WrittenClass {
  readonly deviceClass: string;
  readonly change: 'created' | 'updated' | 'deleted';
}

/** Keeps a DeviceClass for each offered resource, so that pods can request the resource on nodes that use DRA. */
export interface DeviceClassKeeper {
  readonly blocked: BlockedClasses;
  /** Calls the listener after `blocked` changed. */
  onChange(listener: () => void): Disposable;
  /** Creates, updates and deletes classes until the signal aborts. Only one process in a cluster may run this. */
  run(signal: AbortSignal): Promise<void>;
}

const classesPath = '/apis/resource.k8s.io/v1/deviceclasses';

/**
 * The default limit of creations for reported resources. A malicious node could report other interfaces in every
 * report. Deletions need no limit, because each follows a creation. So reports cause ten writes a minute on average.
 */
const usualReportedCreations: BucketSize = { burst: mostReported, perSecond: 5 / 60 };

/** The minimum time between two rounds, and between two writes. A rollout causes a hundred changes a second. */
const roundMs = 500;
const spacingMs = 20;

/** How long to wait before writing extendedResourceName again, after the API server dropped it. */
const unsupportedMs = 600_000;

export function createDeviceClasses(options: DeviceClassOptions): DeviceClassKeeper {
  const { client, source, offers, onWritten, onState, reportedCreations = usualReportedCreations } = options;
  const listeners = createListeners();
  const bucket = createTokenBucket(reportedCreations);
  let blocked = noneBlocked;
  const setBlocked = (found: BlockedClasses): void => {
    if (JSON.stringify(found) === JSON.stringify(blocked)) return;
    blocked = found;
    listeners.notify();
  };
  const run = async (signal: AbortSignal): Promise<void> => {
    const sleeper = createSleeper(signal);
    const report = skipRepeatedErrors(onState);
    const resource = { what: 'DeviceClasses', path: classesPath, metadataOnly: false };
    await using classes = new ListWatch({ client, resource, trim: trimClass, onChange: sleeper.wake });
    using _source = source.onChange(sleeper.wake);
    using _offers = offers.onChange(sleeper.wake);
    let [failures, unsupportedSinceMs, isPostponed] = [0, Number.NEGATIVE_INFINITY, false];
    /** The tokens of failed writes. They limit retries, and come back at the next success. */
    let wasted = 0;
    const isMapped = () => performance.now() - unsupportedSinceMs > unsupportedMs;
    /** Writes all changes, and returns the first error. An error of one class does not prevent the others. */
    const writeAll = async (): Promise<MacvtapError | undefined> => {
      const hasClass = (resource: string) => isOwn(classes.objects.get(classNameOf(resource)));
      const wanted = resourcesWithClass(offers.current, source.snapshot.explicit, hasClass);
      const { writes, spare, taken, ...found } = decideChanges(wanted, classes.objects, isMapped());
      setBlocked({ taken, leftOut: groupByPolicy(wanted.leftOut, offers.current.governing) });
      isPostponed = false;
      let room = found.room;
      const problems: MacvtapError[] = [];
      /** Returns whether the write succeeded. */
      const apply = async (change: ClassWrite): Promise<boolean> => {
        const outcome = await write(client, change, signal).catch((thrown) => MacvtapError.from(thrown));
        if (outcome instanceof MacvtapError) problems.push(outcome);
        if (outcome === 'unsupported') unsupportedSinceMs = performance.now();
        const isDone = outcome === 'unsupported' || outcome === 'written';
        if (isDone) onWritten({ deviceClass: change.name, change: change.change });
        if (isDone && change.change === 'deleted') room += 1;
        await pause(spacingMs, signal);
        return isDone;
      };
      /** Creates or updates a reported resource's class. If too many exist, a class of a lower rank gives way. */
      const applyReported = async (change: ClassWrite): Promise<boolean> => {
        if (change.change === 'updated') return apply(change);
        const replaced = room > 0 ? undefined : spare.shift();
        if (replaced !== undefined) await apply(replaced);
        if (room <= 0 || !(await apply(change))) return false;
        room -= 1;
        return true;
      };
      for (const change of writes) {
        if (signal.aborted || problems.some(isUnreachable)) break;
        if (change.isUnlimited) await apply(change);
        else if (!bucket.take()) isPostponed = true;
        else {
          wasted += 1;
          if (!(await applyReported(change))) continue;
          bucket.giveBack(wasted - 1);
          wasted = 0;
        }
      }
      return problems[0];
    };
    while (!signal.aborted) {
      const isReady = source.synced && classes.synced && classes.problem === undefined && offers.isSound;
      const failed = isReady ? await writeAll() : undefined;
      if (signal.aborted) return;
      failures = failed === undefined ? 0 : failures + 1;
      report(classes.problem ?? failed ?? (isMapped() ? undefined : unsupported));
      const retryMs = failed && backOffMs(failures, { isOutage: isUnreachable(failed) });
      await sleeper.sleep(retryMs ?? (isPostponed ? 1_000 / reportedCreations.perSecond : undefined));
      await sleeper.sleepThrough(roundMs);
    }
  };
  return {
    get blocked() {
      return blocked;
    },
    onChange: listeners.add,
    run: async (signal) => {
      await run(signal);
      setBlocked(noneBlocked);
    },
  };
}

const unsupported = new MacvtapError(
  'ApiServerRefused',
  'DeviceClasses: the API server dropped spec.extendedResourceName from them. Pods cannot request resources from nodes that use DRA; ' +
    'use Kubernetes 1.36 or newer, or enable the feature gate DRAExtendedResource',
);

/** A write of one class. `before` is the existing class of the project. */
interface ClassWrite {
  readonly change: WrittenClass['change'];
  readonly name: string;
  /** False for creations and updates of reported resources. */
  readonly isUnlimited: boolean;
  readonly wanted?: ResourceClass;
  readonly before?: ApiObject;
}

/**
 * Returns the writes that make the classes match the wanted resources: deletions, then named resources, then reported
 * ones by rank. `room` is the number of reported classes that may be created before a deletion. `spare` has deletions
 * of classes that give way only to a creation, lowest rank first. `taken` has the classes of other owners.
 */
function decideChanges(wanted: ClassedResources, classes: ReadonlyMap<string, ApiObject>, isMapped: boolean) {
  const named = new Set(wanted.named.map(classNameOf));
  const needed = new Map<string, string>();
  // Names with the same hash share a class. The first one gets it, so a report cannot take it from a named resource.
  for (const resource of [...wanted.named, ...wanted.reported]) needed.getOrInsert(classNameOf(resource), resource);
  const foreign = [...classes.values()].filter((object) => !isOwn(object));
  const mapped = new Map(foreign.map((object) => [ownValue(object.spec, 'extendedResourceName'), object]));
  const writes: ClassWrite[] = [];
  const taken: TakenClass[] = [];
  for (const [name, resource] of needed) {
    const before = classes.get(name);
    const made = deviceClassOf(resource);
    const rival = mapped.get(made.extendedResourceName);
    const write = { name, wanted: made, isUnlimited: named.has(name) };
    if (before !== undefined && !isOwn(before)) taken.push(takenBy(before, resource, 'name'));
    else if (before === undefined) writes.push({ ...write, change: 'created' });
    else if (!hasClassSpec(before.spec, made, isMapped)) writes.push({ ...write, change: 'updated', before });
    if (rival !== undefined && rival !== before) taken.push(takenBy(rival, resource, 'extendedResourceName'));
  }
  const counted = [...classes].filter(([name, object]) => isOwn(object) && !named.has(name));
  const ranks = new Map(wanted.leftOut.map((resource, rank) => [classNameOf(resource), rank]));
  const rankOf = ({ name }: ClassWrite) => ranks.get(name) ?? ranks.size;
  const deletions = counted
    .filter(([name]) => !needed.has(name))
    .map(([name, before]): ClassWrite => ({ change: 'deleted', name, isUnlimited: true, before }))
    .sort((left, right) => rankOf(right) - rankOf(left));
  const room = mostReported - counted.length;
  const due = Math.max(-room, deletions.filter(({ name }) => !ranks.has(name)).length);
  return { writes: [...deletions.slice(0, due), ...writes], spare: deletions.slice(due), room, taken };
}

const classNameOf = (resource: string): string => deviceClassOf(resource).name;

/**
 * Writes one change. A conflict means that another client created, changed or deleted the class; the watch then reports
 * it. `unsupported` means that the API server dropped extendedResourceName.
 */
async function write(client: ApiClient, change: ClassWrite, signal: AbortSignal) {
  const { name, wanted, before } = change;
  const path = `${classesPath}/${name}`;
  const version = before?.metadata.resourceVersion;
  const answer =
    wanted === undefined
      ? await client.request('DELETE', path, { preconditions: { resourceVersion: version } }, { signal })
      : before === undefined
        ? await client.request('POST', `${classesPath}?${manager}`, newClass(name, wanted), { signal })
        : await client.request(
            'PATCH',
            `${path}?${manager}`,
            { metadata: { resourceVersion: version }, spec: { ...specOfClass(wanted), config: null } },
            { contentType: 'application/merge-patch+json', signal },
          );
  if (answer.status === 409 || answer.status === 404) return 'conflict';
  if (answer.status >= 300) throw refused(`${change.change} DeviceClass ${name}`, answer);
  const isDropped =
    wanted !== undefined && ownValue(ownValue(answer.body, 'spec'), 'extendedResourceName') === undefined;
  return isDropped ? 'unsupported' : 'written';
}

function newClass(name: string, wanted: ResourceClass) {
  const metadata = { name, labels: classLabels };
  return { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata, spec: specOfClass(wanted) };
}

function trimClass({ metadata, spec }: ApiObject): ApiObject {
  const { name, uid, resourceVersion = '', labels } = metadata;
  return { metadata: { name, uid, resourceVersion, labels }, spec };
}

const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-device-classes' });
