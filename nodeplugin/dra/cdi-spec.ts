// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AllocationResult, ClaimLookup } from '../../cluster/api/lookups.ts';
import { draDriver } from '../../policy/device/dra-names.ts';
import { isJsonObject } from '../../policy/json.ts';
import { fileNotWritten, removeTemporaryFiles, replaceFile } from '../../runtime/atomic-file.ts';
import type { PreparedClaim } from '../ledger/device-record.ts';

/** The vendor and class of the CDI devices. The vendor is the name of the DRA driver. */
const kind = `${draDriver}/claim`;

/** The files are named `kube-macvtap-claim-<uid>.json`, so that files of other drivers are never touched. */
const filePattern = /^kube-macvtap-claim-([0-9a-zA-Z-]+)\.json$/;

const [namespaceAnnotation, nameAnnotation] = [`${draDriver}/claim-namespace`, `${draDriver}/claim-name`] as const;

/** A device of a claim, as the container runtime adds it to a container. */
export interface CDIDevice {
  /** The name of the device in the ResourceSlice. */
  readonly name: string;
  /** The device nodes on the node, which get the same paths in the container. */
  readonly paths: readonly string[];
}

type ClaimName = Pick<PreparedClaim, 'namespace' | 'name' | 'uid'>;

/**
 * The CDI files of prepared claims, one file for each claim (Container Device Interface, SPEC.md). The container
 * runtime reads them when it creates a container of the claim's pod.
 */
export interface CDIDirectory {
  /** Writes the file of a claim, or replaces it. Raises `FileNotWritten`. */
  write(claim: ClaimName, devices: readonly CDIDevice[]): Promise<void>;
  /** Removes the file of a claim, and what a killed process left of it. Raises `FileNotWritten`. */
  remove(uid: string): Promise<void>;
  /** Returns the claims that have a file. */
  list(): Promise<readonly ClaimName[]>;
}

/** Returns the ID by which kubelet names a device of a claim to the container runtime. */
export function cdiDeviceID({ uid }: Pick<ClaimName, 'uid'>, device: string): string {
  return `${kind}=${uid}-${device}`;
}

export function openCDIDirectory(directory: string): CDIDirectory {
  const refuse = (path: string) => (thrown: unknown) => Promise.reject(fileNotWritten(path, thrown));
  const pathOf = (uid: string) => join(directory, `kube-macvtap-claim-${uid}.json`);
  return {
    async write(claim, devices) {
      // The directory is below /run, so it is missing after a reboot.
      await mkdir(directory, { recursive: true, mode: 0o755 }).catch(refuse(directory));
      // The file need not survive a crash of the machine: kubelet prepares all claims again after its start.
      await replaceFile(pathOf(claim.uid), encodeSpec(claim, devices));
    },
    async remove(uid) {
      await rm(pathOf(uid), { force: true }).catch(refuse(pathOf(uid)));
      await removeTemporaryFiles(pathOf(uid));
    },
    async list() {
      const uids = (await readdir(directory).catch(() => [])).flatMap((name) => filePattern.exec(name)?.[1] ?? []);
      const read = (uid: string) => readFile(pathOf(uid), 'utf8').then(JSON.parse);
      return await Promise.all(uids.map(async (uid) => readClaimName(uid, await read(uid).catch(() => undefined))));
    },
  };
}

/** Encodes a claim's devices. CDI 0.6.0 is the oldest version with annotations. */
function encodeSpec(claim: ClaimName, devices: readonly CDIDevice[]): string {
  const spec = {
    cdiVersion: '0.6.0',
    kind,
    devices: devices.map(({ name, paths }) => ({
      name: `${claim.uid}-${name}`,
      containerEdits: { deviceNodes: paths.map((path) => ({ path, permissions: 'rw' })) },
      // The annotations lead back to the claim if the ledger was lost.
      annotations: { [namespaceAnnotation]: claim.namespace, [nameAnnotation]: claim.name },
    })),
  };
  return `${JSON.stringify(spec, undefined, 2)}\n`;
}

/** Reads the claim of a file. A file that cannot be read gives a claim that no API server has. */
function readClaimName(uid: string, spec: unknown): ClaimName {
  const [device] = isJsonObject(spec) && Array.isArray(spec.devices) ? spec.devices : [];
  const annotations = isJsonObject(device) && isJsonObject(device.annotations) ? device.annotations : {};
  return { uid, namespace: String(annotations[namespaceAnnotation]), name: String(annotations[nameAnnotation]) };
}

export interface LeftoverOptions {
  readonly nodeName: string;
  readonly cdi: Pick<CDIDirectory, 'list'>;
  /** The claims in the ledger whose devices are in no pod. */
  readonly unattached: () => readonly ClaimName[];
  readonly isInLedger: (uid: string) => boolean;
  readonly findClaim: ClaimLookup;
  readonly unprepare: (claim: ClaimName) => Promise<void>;
}

/**
 * Creates a function that unprepares claims that are no longer allocated on this node, because kubelet may have lost
 * its list of prepared claims. A claim must be a candidate in two calls in a row. Raises `LookupFailed`.
 */
export function createLeftoverCollector(options: LeftoverOptions): (signal: AbortSignal) => Promise<readonly string[]> {
  const { nodeName, cdi, unattached, isInLedger, findClaim, unprepare } = options;
  const isHere = ({ driver, pool }: AllocationResult) => driver === draDriver && pool === nodeName;
  let before: ReadonlySet<string> = new Set();
  return async (signal) => {
    const candidates = [...unattached(), ...(await cdi.list()).filter(({ uid }) => !isInLedger(uid))];
    const removed: string[] = [];
    for (const claim of candidates.filter(({ uid }) => before.has(uid))) {
      const found = await findClaim(claim.namespace, claim.name, signal);
      if (found?.uid === claim.uid && found.results.some(isHere)) continue;
      await unprepare(claim);
      removed.push(`${claim.namespace}/${claim.name}`);
    }
    before = new Set(candidates.map(({ uid }) => uid));
    return removed;
  };
}
