// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import type { Admission } from '../admission/open-admission.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Links } from '../links/links.ts';
import type { TapNode, TapPart } from '../links/tap-node.ts';
import type { Migrations } from '../migration/open-migrations.ts';
import type { PodName } from '../podresources/held-devices.ts';
import type { CNIStep, StepListener } from '../time-step.ts';
import type { DeviceHolders } from './device-claim.ts';
import type { FindPodMAC } from './pod-mac.ts';
import type { TapOwnership } from './shim/frame.ts';

/** The kernel operations that attachments need. */
type CNILinks = Pick<
  Links,
  | 'createMacvtap'
  | 'deleteLink'
  | 'getLink'
  | 'getLinkIn'
  | 'deleteLinkIn'
  | 'rememberNetns'
  | 'searchLink'
  | 'deleteFoundLink'
> &
  Partial<Pick<Links, 'onRemoval'>> & {
    readTapNode(ifindex: number, parts?: readonly TapPart[]): Promise<TapNode>;
    readTapLinkName(ifindex: number): string | undefined;
    listTaps(ifindex: number): readonly string[];
    identifyTap(number: string): string | undefined;
  };

/** The dependencies of CNI commands. */
export interface CNIContext {
  readonly nodeName: string;
  readonly links: CNILinks;
  readonly ledger: Pick<Ledger, 'get' | 'entries' | 'record'>;
  /** The same lock that Allocate takes. Its keys are the names of devices' links. */
  readonly lock: KeyedMutex;
  /** The node's current interfaces. */
  readonly interfaces: () => readonly InterfaceFacts[];
  /** The resources that are currently served, by name without `macvtap.network.kubevirt.io/`. */
  readonly resources: () => ReadonlyMap<string, PlannedResource>;
  /** Whether a plan has been made for this node. Until then, `resources` is empty. */
  readonly isPlanKnown: () => boolean;
  readonly holders: DeviceHolders;
  /** Absent if objects are read from files, because no API server is available to look up pods. */
  readonly findPodMAC?: FindPodMAC | undefined;
  /** Absent if objects are read from files. */
  readonly findResource?: FindResource | undefined;
  /** Absent if objects are read from files. */
  readonly podClaims?: PodClaims | undefined;
  /** Absent if objects are read from files. */
  readonly migrations?: Migrations | undefined;
  readonly admission: Pick<Admission, 'checkAttach'>;
  /** Returns the reasons why no pod can be attached now, for STATUS. */
  readonly troubles: () => Promise<readonly string[]>;
  /** Called for problems that do not make the request fail. */
  readonly onTrouble: (error: MacvtapError) => void;
  /** Called with a network, and the devices that GC detached from it. */
  readonly onCollected?: ((network: string, devices: readonly string[]) => void) | undefined;
  readonly onStep?: StepListener<CNIStep> | undefined;
}

/** Operations that only the shim can do, as root on the host. */
export interface ShimRights {
  /** Changes the owner of a tap's device node. Raises `TapNodeNotOwned`. */
  readonly own: (node: TapOwnership, signal: AbortSignal) => Promise<void>;
  /**
   * Opens an rtnetlink socket in the pod's namespace. The caller must close the descriptor. Raises `NetnsUnreachable`.
   */
  readonly lendNetlink: (signal: AbortSignal) => Promise<number>;
}

/** Finds the resource of a pod's network, without the prefix. Returns undefined if it is not certain. */
export type FindResource = (
  wanted: { readonly pod: PodName; readonly ifname: string; readonly network: string },
  signal: AbortSignal,
) => Promise<string | undefined>;

/** Returns the names of the claims in a pod's spec, without those of templates. */
export type PodClaims = (pod: PodName & { readonly uid: string }, signal: AbortSignal) => Promise<readonly string[]>;
