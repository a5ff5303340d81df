// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { draDriver } from '../../../policy/device/dra-names.ts';
import { isJsonObject, type JsonObject } from '../../../policy/json.ts';
import type { DraDevice, DraTaint } from '../../../policy/plan/dra-devices.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { createBackOff, createSleeper } from '../../../runtime/pause.ts';
import { refused } from '../../api/api-errors.ts';
import { type ApiObject, isApiObject, listAll, type WatchedResource } from '../../api/api-resource.ts';
import type { ApiClient } from '../../api/client.ts';
import { ListWatch } from '../../api/list-watch.ts';
import { readNodeUID } from './node-state-writer.ts';

/** The devices of each slice, in order. */
export type SliceDevices = readonly (readonly DraDevice[])[];

export interface ResourceSlicesOptions {
  readonly client: ApiClient;
  readonly node: string;
  /** Called after each attempt to write, with its error or undefined. */
  readonly onWrite: (error: MacvtapError | undefined) => void;
}

/** The ResourceSlices of one node. They are written only if they differ from what the node offers. */
export interface ResourceSlices extends AsyncDisposable {
  /** Sets what the node offers. Without a device, all slices are deleted. */
  set(slices: SliceDevices): void;
}

const path = '/apis/resource.k8s.io/v1/resourceslices';
const apiVersion = 'resource.k8s.io/v1';

/**
 * Keeps a node's slices up to date, until disposed. The slices stay when the process ends: kubelet deletes them if no
 * driver registers in time. Kubelet also deletes them at its start, so they are watched.
 *
 * Before each write, the slices are listed. A write that was interrupted is therefore completed by the next process.
 */
export function openResourceSlices({ client, node, onWrite }: ResourceSlicesOptions): ResourceSlices {
  const scope = new AbortController();
  const { signal } = scope;
  const resource: WatchedResource = {
    what: 'ResourceSlices',
    path,
    fieldSelector: `spec.nodeName=${node},spec.driver=${draDriver}`,
    metadataOnly: false,
  };
  let wanted: SliceDevices | undefined;
  const sleeper = createSleeper(signal);
  const watch = new ListWatch({ client, resource, trim: summarize, onChange: sleeper.wake });
  const accepted = new Map<string, string>();

  const isWritten = (slices: SliceDevices, objects: Iterable<ApiObject>): boolean => {
    const found = new Map([...objects].map((object) => [object.metadata.name, object]));
    const generations = new Set(found.values().map(({ generation }) => generation));
    return (
      found.size === slices.length &&
      generations.size <= 1 &&
      slices.every((devices, index) => {
        const slice = found.get(sliceName(node, index));
        const print = fingerprint(devices);
        return slice?.count === slices.length && (slice.print === print || slice.print === accepted.get(print));
      })
    );
  };
  /** Returns whether something was written. */
  const write = async (slices: SliceDevices): Promise<boolean> => {
    const listed = await listAll(client, resource, { trim: (object) => object, signal });
    if ('absent' in listed) {
      if (slices.length > 0) throw listed.absent;
      // There is nothing to delete on a cluster without this API.
      if (wanted === slices) wanted = undefined;
      return true;
    }
    if (isWritten(slices, listed.objects.map(summarize))) return false;
    const before = new Map(listed.objects.map((object) => [object.metadata.name, object]));
    const generation = 1 + Math.max(0, ...listed.objects.map((object) => Number(summarize(object).generation)));
    const uid = slices.length === 0 ? '' : await readNodeUID(client, node, signal);
    accepted.clear();
    for (const [index, devices] of slices.entries()) {
      const name = sliceName(node, index);
      const pool = { name: node, generation, resourceSliceCount: slices.length };
      const written = await put(name, before.get(name), { uid, node, pool, devices }, client, signal);
      // An older API server drops the fields that it does not know. Its answer counts as written.
      accepted.set(fingerprint(devices), String(summarize(written).print));
      before.delete(name);
    }
    for (const name of before.keys()) await remove(name, client, signal);
    onWrite(undefined);
    return true;
  };
  const running = (async () => {
    for (let failures = 0; !signal.aborted; ) {
      if (wanted === undefined || (watch.synced && isWritten(wanted, watch.objects.values()))) {
        failures = 0;
        await sleeper.sleep();
        continue;
      }
      const written = await write(wanted).catch(MacvtapError.from);
      if (signal.aborted) return;
      // If nothing had to be written, only the watch is behind.
      failures = written === true ? 0 : failures + 1;
      if (written instanceof MacvtapError) onWrite(written);
      // After a write, the watch needs a moment to show it.
      await sleeper.sleepThrough(failures === 0 ? settleMs : backOffMs(failures));
    }
  })();
  return {
    set(slices) {
      wanted = slices;
      sleeper.wake();
    },
    async [Symbol.asyncDispose]() {
      scope.abort(new MacvtapError('Aborted', 'the ResourceSlices are no longer kept'));
      await running;
      await watch[Symbol.asyncDispose]();
    },
  };
}

const settleMs = 200;
const backOffMs = createBackOff({ firstMs: 500, longestMs: 15_000 });

/** No other node has a slice of this name, because the last part is always the index. */
function sliceName(node: string, index: number): string {
  const suffix = `-macvtap-${index}`;
  // Both together may be too long for an object's name.
  const short = node.length + suffix.length <= 253 ? node : createHash('sha256').update(node).digest('hex');
  return `${short}${suffix}`;
}

/** Reduces a slice to what decides whether it must be written. */
function summarize({ metadata: { name }, spec }: ApiObject): ApiObject {
  const { pool, devices } = isJsonObject(spec) ? spec : {};
  const { generation, resourceSliceCount: count } = isJsonObject(pool) ? pool : {};
  return { metadata: { name }, generation, count, print: fingerprint(Array.isArray(devices) ? devices : []) };
}

/** Returns a hash of devices that does not depend on the order of keys, nor on the time at which a taint was added. */
function fingerprint(devices: readonly unknown[]): string {
  const sorted = JSON.stringify(devices, (key, value: unknown) => {
    if (key === 'timeAdded') return undefined;
    return isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  });
  return createHash('sha256').update(sorted).digest('base64');
}

interface Slice {
  readonly uid: string;
  readonly node: string;
  readonly pool: object;
  readonly devices: readonly DraDevice[];
}

async function put(
  name: string,
  before: ApiObject | undefined,
  { uid, node, pool, devices }: Slice,
  client: ApiClient,
  signal: AbortSignal,
): Promise<ApiObject> {
  const resourceVersion = before?.metadata.resourceVersion;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node, uid, controller: true }];
  const body = {
    apiVersion,
    kind: 'ResourceSlice',
    metadata: { name, ownerReferences, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec: { driver: draDriver, nodeName: node, pool, devices: keepTimes(devices, before) },
  };
  const answer =
    before === undefined
      ? await client.request('POST', path, body, { signal })
      : await client.request('PUT', `${path}/${name}`, body, { signal });
  if (answer.status >= 300 || !isApiObject(answer.body)) throw refused(`write ResourceSlice ${name}`, answer);
  return answer.body;
}

async function remove(name: string, client: ApiClient, signal: AbortSignal): Promise<void> {
  const answer = await client.request('DELETE', `${path}/${name}`, undefined, { signal });
  if (answer.status >= 300 && answer.status !== 404) throw refused(`delete ResourceSlice ${name}`, answer);
}

/**
 * Keeps the times of taints that a device already has. Without a time, the API server would set the present one. The
 * eviction of pods that tolerate the taint for some seconds would then begin again.
 */
function keepTimes(devices: readonly DraDevice[], before: ApiObject | undefined): readonly object[] {
  const spec = isJsonObject(before?.spec) ? before.spec : {};
  const former = new Map(objectsIn(spec.devices).map((device) => [device.name, objectsIn(device.taints)]));
  const timed = (taint: DraTaint, name: string) => {
    const same = former.get(name)?.find(({ key, effect }) => key === taint.key && effect === taint.effect);
    return { ...taint, ...(same?.timeAdded !== undefined && { timeAdded: same.timeAdded }) };
  };
  return devices.map(({ taints, ...device }) => ({
    ...device,
    ...(taints && { taints: taints.map((taint) => timed(taint, device.name)) }),
  }));
}

function objectsIn(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
