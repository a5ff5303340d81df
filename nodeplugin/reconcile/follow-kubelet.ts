// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { type KubeletEvent, type KubeletWatch, watchKubelet } from '../deviceplugin/kubelet-watch.ts';
import { removeStaleSockets } from '../deviceplugin/plugin-sockets.ts';
import type { Dra } from '../dra/open-dra.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type HeldDevicesWatch, type HeldWatchOptions, watchHeldDevices } from '../podresources/watch-held-devices.ts';
import { createHeldTracker, type HeldTracker } from './held-tracker.ts';
import type { Reconciler, ResourcePlugins } from './resource-plugins.ts';

/** The state of kubelet, and the devices that pods hold. */
export interface FollowedKubelet extends AsyncDisposable {
  readonly kubelet: KubeletWatch;
  readonly answers: HeldDevicesWatch;
  readonly held: HeldTracker;
  /** Returns whether kubelet has listed the devices of all pods of the node. */
  isHeldKnown(): boolean;
}

export interface FollowKubeletOptions extends Pick<HeldWatchOptions, 'refreshMs' | 'kubeletSettleMs' | 'onAnswer'> {
  /** @example '/var/lib/kubelet' */
  readonly directory: string;
  readonly ledger: Ledger;
  readonly isLinkLost: (id: string) => boolean;
  readonly onEvent: (event: KubeletEvent) => void;
  /** Called with the sockets that a killed node plugin left behind and that were removed. The list may be empty. */
  readonly onStaleSockets: (sockets: readonly string[]) => void;
}

/** Watches kubelet through its directory, until disposed. */
export async function followKubelet(options: FollowKubeletOptions): Promise<FollowedKubelet> {
  const { directory, ledger, isLinkLost, onEvent, onStaleSockets, ...asking } = options;
  await using undo = new AsyncDisposableStack();
  const plugins = join(directory, 'device-plugins');
  onStaleSockets(await removeStaleSockets(plugins));
  const kubelet = undo.use(await watchKubelet({ directory: plugins, onEvent }));
  const held = createHeldTracker({ ledger, isLinkLost, view: () => answers.current, now: () => performance.now() });
  const answers: HeldDevicesWatch = undo.use(
    watchHeldDevices({
      ...asking,
      onAnswer: (outcome, answer) => {
        asking.onAnswer?.(outcome);
        if (answer !== undefined) held.note(answer);
      },
      socketPath: join(directory, 'pod-resources/kubelet.sock'),
      resourcePrefix,
      kubelet: { subscribe: (listener) => kubelet.subscribe(listener) },
    }),
  );
  const followed = undo.move();
  const allocating: HeldTracker['allocating'] = (ids) => {
    const allocation = held.allocating(ids);
    return {
      [Symbol.dispose]: () => {
        allocation[Symbol.dispose]();
        answers.refreshSoon();
      },
    };
  };
  return {
    kubelet,
    answers,
    held: { ...held, allocating },
    isHeldKnown: () => answers.current?.complete === true,
    [Symbol.asyncDispose]: () => followed.disposeAsync(),
  };
}

/**
 * Joins what the node serves through both APIs, for reports. `reconciler` is a function, because the reports
 * begin before it.
 */
export function viewServed(
  resources: Pick<ResourcePlugins, 'waiting' | 'unregistered'>,
  dra: Pick<Dra, 'isRegistered'>,
  reconciler: () => Pick<Reconciler, 'current' | 'listed'>,
): Pick<ResourcePlugins, 'current' | 'listed' | 'waiting' | 'unregistered'> {
  return {
    get current() {
      return reconciler().current;
    },
    get listed() {
      return reconciler().listed;
    },
    get waiting() {
      return resources.waiting;
    },
    get unregistered() {
      return dra.isRegistered ? resources.unregistered : [...reconciler().current.keys()];
    },
  };
}
