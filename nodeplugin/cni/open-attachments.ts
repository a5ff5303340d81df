// SPDX-License-Identifier: Apache-2.0
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedLock } from '../../runtime/keyed-lock.ts';
import type { NodePluginConfig } from '../config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { identifyTap, listTaps } from '../links/list-taps.ts';
import type { NodeLinks } from '../links/open-node-links.ts';
import { readTapLinkName, readTapNode } from '../links/tap-node.ts';
import type { FollowedKubelet } from '../reconcile/follow-kubelet.ts';
import type { PlanKeeper } from '../reconcile/keep-plan.ts';
import type { ServedResources } from '../reconcile/served-resources.ts';
import type { CNIContext } from './cni-context.ts';
import { createDeviceHolders } from './device-holders.ts';
import type { InstallShimOptions } from './install-shim.ts';
import { type AttachmentsOptions, serveAttachments } from './serve-attachments.ts';
import { findTroubles } from './status.ts';

export interface OpenAttachmentsOptions
  extends Pick<CNIContext, 'onTrouble' | 'onCollected' | 'onStep'>,
    Pick<AttachmentsOptions, 'onAnswered' | 'onRestored' | 'onForgotten'> {
  readonly config: Pick<
    NodePluginConfig,
    'node-name' | 'state-dir' | 'cni-socket' | 'cni-bin-dir' | 'cni-shim' | 'held-refresh'
  >;
  readonly ledger: Ledger;
  readonly node: Pick<NodeLinks, 'links' | 'interfaces'>;
  /** The one that Allocate takes. */
  readonly lock: KeyedLock;
  readonly kubelet: Pick<FollowedKubelet, 'answers' | 'held' | 'isHeldKnown'>;
  readonly resources: Pick<ServedResources, 'current'>;
  readonly plan: Pick<PlanKeeper, 'isKnown'>;
  /** Puts the shim in its place and tells what came of it: without it no pod is attached, and the rest goes on. */
  readonly install: (shim: InstallShimOptions) => Promise<MacvtapError | undefined>;
  readonly onShim: (error: MacvtapError | undefined) => void;
}

/** Installs the CNI plugin's shim, where somebody said where, and attaches pods until disposed. */
export async function openAttachments(options: OpenAttachmentsOptions): Promise<AsyncDisposable> {
  const { config, ledger, node, lock, kubelet, resources, plan, install, onShim, ...rest } = options;
  const { onTrouble, onCollected, onStep, ...listeners } = rest;
  const { links } = node;
  const socketPath = config['cni-socket'];
  const directory = config['cni-bin-dir'];
  if (directory !== undefined) onShim(await install({ binary: config['cni-shim'], directory, socketPath }));
  const isPlanKnown = () => plan.isKnown;
  return await serveAttachments({
    ...listeners,
    socketPath,
    context: {
      nodeName: config['node-name'],
      ledger,
      links: { ...links, readTapNode, readTapLinkName, listTaps, identifyTap },
      lock,
      interfaces: () => node.interfaces.current,
      resources: () => plannedResources(resources),
      isPlanKnown,
      holders: createDeviceHolders(kubelet.answers, kubelet.held),
      troubles: () => findTroubles({ links, stateDirectory: config['state-dir'], isPlanKnown }),
      onTrouble,
      onCollected,
      onStep,
    },
    held: kubelet.held,
    isHeldKnown: () => plan.isKnown && kubelet.isHeldKnown(),
    lookMs: config['held-refresh'],
  });
}

/** What is served and asked for, by name. */
function plannedResources({ current }: Pick<ServedResources, 'current'>): ReadonlyMap<string, PlannedResource> {
  return new Map([...current].flatMap(([name, { resource }]) => (resource === undefined ? [] : [[name, resource]])));
}
