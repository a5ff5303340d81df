// SPDX-License-Identifier: Apache-2.0
import { deviceClassOf, type ResourceClass } from '../../../policy/device/dra-names.ts';
import { isJsonObject, ownValue } from '../../../policy/json.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import { resourcePrefix } from '../../../policy/plan/resource.ts';
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
  groupByPolicy,
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
  /** The limit of writes that nodes can cause with their reports. */
  readonly reportedWrites?: BucketSize;
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

/** The labels of the project's classes. A class without them has another owner, and is never changed. */
export const classLabels = {
  'app.kubernetes.io/managed-by': 'kube-macvtap',
  'app.kubernetes.io/part-of': 'kube-macvtap',
} as const;

/**
 * The default limit of writes for reported resources. A malicious node could report other interfaces in every report.
 * The first classes are created at once.
 */
const usualReportedWrites: BucketSize = { burst: mostReported, perSecond: 10 / 60 };

/** The minimum time between two rounds, and between two writes. A rollout causes a hundred changes a second. */
const roundMs = 500;
const spacingMs = 20;

/** How long to wait before writing extendedResourceName again, after the API server dropped it. */
const unsupportedMs = 600_000;

export function createDeviceClasses(options: DeviceClassOptions): DeviceClassKeeper {
  const { client, source, offers, onWritten, onState, reportedWrites = usualReportedWrites } = options;
  const listeners = createListeners();
  const bucket = createTokenBucket(reportedWrites);
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
    const isMapped = () => performance.now() - unsupportedSinceMs > unsupportedMs;
    /** Writes all changes, and returns the first error. An error of one class does not prevent the others. */
    const writeAll = async (): Promise<MacvtapError | undefined> => {
      const { governing } = offers.current;
      const hasClass = (resource: string) => isOwn(classes.objects.get(deviceClassOf(resource).name));
      const wanted = resourcesWithClass(offers.current, source.snapshot.explicit, hasClass);
      const changes = decideChanges(wanted.resources, classes.objects, isMapped());
      setBlocked({ taken: changes.taken, leftOut: groupByPolicy(wanted.leftOut, governing) });
      isPostponed = false;
      let problem: MacvtapError | undefined;
      for (const change of changes.writes) {
        if (signal.aborted || (problem !== undefined && isUnreachable(problem))) break;
        if (isCausedByReport(change, governing) && !bucket.take()) {
          isPostponed = true;
          continue;
        }
        try {
          const outcome = await write(client, change, signal);
          if (outcome === 'unsupported') unsupportedSinceMs = performance.now();
          if (outcome !== 'conflict') onWritten({ deviceClass: change.name, change: change.change });
        } catch (thrown) {
          problem ??= MacvtapError.from(thrown);
        }
        await pause(spacingMs, signal);
      }
      return problem;
    };
    while (!signal.aborted) {
      const isReady = source.synced && classes.synced && classes.problem === undefined && offers.isSound;
      const failed = isReady ? await writeAll() : undefined;
      if (signal.aborted) return;
      failures = failed === undefined ? 0 : failures + 1;
      report(classes.problem ?? failed ?? (isMapped() ? undefined : unsupported));
      const retryMs = failed && backOffMs(failures, { isOutage: isUnreachable(failed) });
      await sleeper.sleep(retryMs ?? (isPostponed ? 1_000 / reportedWrites.perSecond : undefined));
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
  'DeviceClasses: the API server dropped spec.extendedResourceName, so pods cannot request resources from nodes that use DRA; ' +
    'use Kubernetes 1.36 or newer, or enable the feature gate DRAExtendedResource',
);

/** A write of one class. `before` is the existing class of the project. */
interface ClassWrite {
  readonly change: WrittenClass['change'];
  readonly name: string;
  readonly wanted?: ResourceClass;
  readonly before?: ApiObject;
}

/** Returns whether a node's report may cause the write, because only a glob of a policy matches the resource. */
function isCausedByReport({ wanted, before }: ClassWrite, governing: Offers['governing']): boolean {
  const mapped = wanted?.extendedResourceName ?? ownValue(before?.spec, 'extendedResourceName');
  if (typeof mapped !== 'string' || !mapped.startsWith(resourcePrefix)) return false;
  const resource = mapped.slice(resourcePrefix.length);
  return !governing.names.includes(resource) && governing.of(resource).length > 0;
}

/** Returns the writes that make the classes match the wanted resources, and the classes that prevent writes. */
function decideChanges(
  wanted: readonly string[],
  classes: ReadonlyMap<string, ApiObject>,
  isMapped = true,
): { readonly writes: readonly ClassWrite[]; readonly taken: readonly TakenClass[] } {
  const needed = new Map(wanted.map((resource) => [deviceClassOf(resource).name, resource]));
  const foreign = [...classes.values()].filter((object) => !isOwn(object));
  const mapped = new Map(foreign.map((object) => [ownValue(object.spec, 'extendedResourceName'), object]));
  const writes: ClassWrite[] = [];
  const taken: TakenClass[] = [];
  for (const [name, resource] of needed) {
    const before = classes.get(name);
    const made = deviceClassOf(resource);
    const rival = mapped.get(made.extendedResourceName);
    if (before !== undefined && !isOwn(before)) taken.push(takenBy(before, resource, 'name'));
    else if (before === undefined) writes.push({ change: 'created', name, wanted: made });
    else if (!isUpToDate(before, made, isMapped)) writes.push({ change: 'updated', name, wanted: made, before });
    if (rival !== undefined && rival !== before) taken.push(takenBy(rival, resource, 'extendedResourceName'));
  }
  for (const [name, before] of classes) {
    if (isOwn(before) && !needed.has(name)) writes.push({ change: 'deleted', name, before });
  }
  return { writes, taken };
}

function isOwn(found: ApiObject | undefined): boolean {
  return Object.entries(classLabels).every(([key, value]) => ownValue(found?.metadata.labels, key) === value);
}

function specOf({ extendedResourceName, selector }: ResourceClass) {
  return { selectors: [{ cel: { expression: selector } }], extendedResourceName };
}

function isUpToDate({ spec }: ApiObject, wanted: ResourceClass, isMapped: boolean): boolean {
  const { selectors, extendedResourceName } = specOf(wanted);
  const found = isJsonObject(spec) ? spec : {};
  return (
    JSON.stringify(found.selectors) === JSON.stringify(selectors) &&
    found.config === undefined &&
    (!isMapped || found.extendedResourceName === extendedResourceName)
  );
}

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
            { metadata: { resourceVersion: version }, spec: { ...specOf(wanted), config: null } },
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
  return { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata, spec: specOf(wanted) };
}

function trimClass({ metadata, spec }: ApiObject): ApiObject {
  const { name, uid, resourceVersion = '', labels } = metadata;
  return { metadata: { name, uid, resourceVersion, labels }, spec };
}

const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-device-classes' });
