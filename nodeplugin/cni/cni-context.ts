// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedLock } from '../../runtime/keyed-lock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Links } from '../links/links.ts';
import type { TapNode } from '../links/tap-node.ts';
import type { PodName } from '../podresources/read-held-devices.ts';
import type { StepListener } from '../time-step.ts';
import type { CNIStep } from './cni-steps.ts';
import type { TapOwnership } from './frame.ts';

/** The kernel, as far as attachments need it. */
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
> & {
  readTapNode(ifindex: number): Promise<TapNode>;
  readTapLinkName(ifindex: number): string | undefined;
  listTaps(ifindex: number): readonly string[];
  identifyTap(number: string): string | undefined;
};

/** Who holds a device, as kubelet says; undefined while kubelet may not know all pods of its node. */
export interface DeviceHolders {
  /** By kubelet's last answer; undefined, too, where it was asked before the device's last Allocate. */
  known(deviceID: string): readonly PodName[] | undefined;
  /** By an answer to a question that is asked now. */
  ask(deviceID: string, signal: AbortSignal): Promise<readonly PodName[] | undefined>;
}

/** Where pods are attached. */
export interface CNIContext {
  readonly nodeName: string;
  readonly links: CNILinks;
  readonly ledger: Pick<Ledger, 'get' | 'entries' | 'record'>;
  /** The one that Allocate takes; its keys are the names of devices' links. */
  readonly lock: KeyedLock;
  /** The node's, as they stand now. */
  readonly interfaces: () => readonly InterfaceFacts[];
  /** The resources that are served now, by name without the prefix. */
  readonly resources: () => ReadonlyMap<string, PlannedResource>;
  /** Whether what the node offers was ever decided; until then `resources` is empty. */
  readonly isPlanKnown: () => boolean;
  readonly holders: DeviceHolders;
  /** Why no pod can be attached now, for STATUS: a sentence for each reason. */
  readonly troubles: () => Promise<readonly string[]>;
  /** Something went wrong that is not worth an error to the runtime. */
  readonly onTrouble: (error: MacvtapError) => void;
  /** Devices that GC took out of pods, of a network. */
  readonly onCollected?: ((network: string, devices: readonly string[]) => void) | undefined;
  readonly onStep?: StepListener<CNIStep> | undefined;
}

/** Gives a tap's node to its user: the shim does. Raises `TapNodeNotOwned`. */
export type OwnTap = (node: TapOwnership, signal: AbortSignal) => Promise<void>;
