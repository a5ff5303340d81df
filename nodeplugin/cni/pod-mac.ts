// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { MetadataLookups, PodMetadata } from '../../cluster/api/lookups.ts';
import { xxhash64 } from '../../policy/device/device-id.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isLauncher } from '../migration/migration-target.ts';
import type { PodName } from '../podresources/held-devices.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';
import type { NetConf } from './spec/net-conf.ts';
import { isUnicastMAC } from './spec/net-conf-keys.ts';

/** The inputs for the choice of a link's MAC address, in addition to the device. */
export interface MACInputs {
  readonly parent: Pick<InterfaceFacts, 'name' | 'macAddress'>;
  readonly conf: Pick<NetConf, 'macs'>;
  readonly environment: Pick<CNIEnvironment, 'mac' | 'pod' | 'ifname'>;
  /** This node's name. It is used for a device whose record does not contain the node name. */
  readonly nodeName: string;
  readonly findPodMAC?: FindPodMAC | undefined;
}

/**
 * Chooses the MAC address of a pod's link. A passthru link always has its parent's address. Other links have the first
 * of these addresses:
 *
 * 1. the requested address
 * 2. for a pod of a virtual machine or a StatefulSet: the address derived from its owner, which is the same on every
 *    node
 * 3. the address derived from the device
 *
 * Raises `MACAddressInvalid`, `PodOwnerUnknown`.
 */
export async function chooseMAC(
  id: string,
  { mode, nodeName: madeUnder }: Pick<DeviceEntry, 'mode' | 'nodeName'>,
  { parent, conf, environment, nodeName, findPodMAC }: MACInputs,
  signal: AbortSignal,
): Promise<string> {
  const wanted = findWantedMAC(conf, environment);
  if (mode === 'passthru') return passthruMAC(id, wanted, parent);
  if (wanted !== undefined) return wanted;
  const { pod, ifname } = environment;
  return (pod && (await findPodMAC?.({ pod, ifname }, signal))) ?? deviceMAC(madeUnder ?? nodeName, id);
}

/**
 * Returns the parent's address. Raises `MACAddressInvalid` if that address is unknown, or if the network or the pod
 * requests a different address.
 */
function passthruMAC(id: string, wanted: string | undefined, parent: MACInputs['parent']): string {
  const own = parent.macAddress?.toLowerCase();
  if (own === undefined || (wanted !== undefined && wanted !== own)) {
    throw new MacvtapError(
      'MACAddressInvalid',
      `a passthru link has its parent's MAC address: that of ${parent.name} is ${own ?? 'unknown'}, and ${wanted ?? 'no address'} is requested; ` +
        'request no other address, or change the mode in the policy',
      { facts: { device: id, parent: parent.name, macAddress: wanted } },
    );
  }
  return own;
}

/**
 * Returns the requested address in lower case, or undefined if none is requested. The order of precedence is the pod's
 * annotation (runtimeConfig, through a capability), args.cni, CNI_ARGS, and the network configuration. Raises
 * `MACAddressInvalid` for an invalid address in CNI_ARGS; `parseNetConf` has checked the other addresses.
 */
export function findWantedMAC(
  { macs }: Pick<NetConf, 'macs'>,
  { mac: fromArgs }: Pick<CNIEnvironment, 'mac'>,
): string | undefined {
  if (
    macs.runtimeConfig === undefined &&
    macs.args === undefined &&
    fromArgs !== undefined &&
    !isUnicastMAC(fromArgs)
  ) {
    throw new MacvtapError(
      'MACAddressInvalid',
      `MAC in CNI_ARGS is "${fromArgs.slice(0, 60)}", not a unicast MAC address like 52:54:00:12:34:56`,
    );
  }
  return (macs.runtimeConfig ?? macs.args ?? fromArgs ?? macs.config)?.toLowerCase();
}

/**
 * Derives the address of a device from its ID and the node's name. A pod therefore has the same address in a recreated
 * sandbox, and devices of other nodes have other addresses (46 bits of hash). The address is locally administered and
 * unicast: the two lowest bits of its first byte are 10 (IEEE 802).
 *
 * @example '9a:3f:01:c2:77:10'
 */
export function deviceMAC(nodeName: string, deviceID: string): string {
  // The address uses the highest 48 bits of the hash. The device's index uses the lowest 30, so that the address and
  // the index share as few bits as possible.
  const hash = xxhash64(`${nodeName}/${deviceID}`) >> 16n;
  const bytes = Array.from({ length: 6 }, (_, i) => Number((hash >> BigInt(8 * (5 - i))) & 0xffn));
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** An interface of a pod. `ifname` is the value of CNI_IFNAME. */
interface PodInterface {
  readonly pod: PodName & { readonly uid?: string };
  readonly ifname: string;
}

/**
 * Finds the MAC address of a pod's interface if the address does not depend on the node. Returns undefined if the
 * address must be derived from the device instead. Raises `PodOwnerUnknown` if a required lookup fails.
 */
export type FindPodMAC = (wanted: PodInterface, signal: AbortSignal) => Promise<string | undefined>;

export interface PodMACOptions {
  readonly lookups: MetadataLookups;
  readonly ledger: Pick<Ledger, 'entries'>;
}

/** The namespace whose UID identifies the cluster. It exists in every cluster, and is never recreated. */
const clusterNamespace = 'kube-system';

/**
 * Creates a function that derives addresses from a pod's owner. A pod that was attached before keeps its recorded
 * address, because its guest uses that address. For a recreated sandbox, the API server is therefore not needed.
 */
export function createFindPodMAC({ lookups, ledger }: PodMACOptions): FindPodMAC {
  let clusterUID: string | undefined;
  const readClusterUID = async (signal: AbortSignal): Promise<string> => {
    clusterUID ??= await lookups.namespaceUID(clusterNamespace, signal);
    if (clusterUID === undefined) throw new MacvtapError('LookupFailed', `there is no namespace ${clusterNamespace}`);
    return clusterUID;
  };
  return async ({ pod, ifname }, signal) => {
    if (!mayHaveIdentity(pod)) return undefined;
    const recorded = findRecordedMAC({ pod, ifname }, ledger);
    if (recorded !== undefined) return recorded;
    try {
      const metadata = await lookups.pod(pod.namespace, pod.name, signal);
      // This ADD may be late. If another pod has the same name by now, the address belongs to that other pod.
      if (metadata === undefined || (pod.uid !== undefined && pod.uid !== metadata.uid)) return undefined;
      const identity = readIdentity(pod, metadata);
      return identity && identityMAC(await readClusterUID(signal), identity, ifname);
    } catch (thrown) {
      throw ownerUnknown(pod, thrown);
    }
  };
}

/**
 * Finds the recorded address of a pod's interface. It searches all devices, because two networks of a pod may swap
 * their devices when the sandbox is recreated.
 */
function findRecordedMAC({ pod, ifname }: PodInterface, ledger: Pick<Ledger, 'entries'>): string | undefined {
  if (pod.uid === undefined) return undefined;
  const records = ledger.entries().map(([, record]) => record);
  const given = [...records.map(({ attachment }) => attachment), ...records.map(({ podMAC }) => podMAC)];
  return given.find((one) => one?.podUID === pod.uid && one?.ifname === ifname)?.mac;
}

function ownerUnknown(pod: PodName, thrown: unknown): MacvtapError {
  const { message, facts } = MacvtapError.from(thrown);
  return new MacvtapError(
    'PodOwnerUnknown',
    `the MAC address of pod ${pod.namespace}/${pod.name} depends on its owner, and the API server does not answer: ${message}; kubelet tries again`,
    { facts, cause: thrown },
  );
}

/**
 * Returns whether a pod of this name may share an identity with its replacements. `virt-launcher-` is KubeVirt's prefix
 * for the pods of virtual machines, and the names of a StatefulSet's pods end in an ordinal. Other pods are never
 * looked up.
 */
export function mayHaveIdentity(pod: PodName): boolean {
  return isLauncher(pod) || /-\d+$/.test(pod.name);
}

/**
 * Returns the identity that a pod shares with its replacements, or undefined if it has none. It begins with the
 * controller's kind, so that a virtual machine and a StatefulSet's pod of the same name differ. It contains the
 * namespace, so that a tenant cannot get the identity of a machine in another namespace. No part contains a slash.
 *
 * @example 'VirtualMachineInstance/vms/db' of pod vms/virt-launcher-db-x7k2p, 'StatefulSet/web/nginx-0' of pod
 * web/nginx-0
 */
export function readIdentity(
  { namespace, name }: PodName,
  { owners }: Pick<PodMetadata, 'owners'>,
): string | undefined {
  const owner = owners.find(({ controller }) => controller);
  if (owner === undefined) return undefined;
  const [group] = owner.apiVersion.split('/');
  if (owner.kind === 'VirtualMachineInstance' && group === 'kubevirt.io') {
    return `VirtualMachineInstance/${namespace}/${owner.name}`;
  }
  if (owner.kind === 'StatefulSet' && group === 'apps') return `StatefulSet/${namespace}/${name}`;
  return undefined;
}

/**
 * Derives the MAC address of an identity's interface. The address is the same on every node. With 46 bits of hash, the
 * probability that two of 10,000 machines share an address is one in a million. SHA-256 is used because tenants choose
 * the names. With a weaker hash, a tenant could compute a name that results in the address of another tenant's machine.
 * With SHA-256, the tenant would have to try about 2^46 names. The address is locally administered and unicast: the two
 * lowest bits of its first byte are 10 (IEEE 802).
 *
 * @example identityMAC('2c7e3c1a-5b0e-4a63-9a52-5f8f6f0f6a11', 'VirtualMachineInstance/vms/db', 'net1') is
 * '46:d3:26:60:c5:a8'
 */
export function identityMAC(cluster: string, identity: string, ifname: string): string {
  const bytes = createHash('sha256').update(`${cluster}/${identity}/${ifname}`).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return bytes.toString('hex').replace(/..(?!$)/g, '$&:');
}
