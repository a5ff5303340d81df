// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { type KubeletEvent, type KubeletWatch, watchKubelet } from '../deviceplugin/kubelet-watch.ts';
import { removeStaleSockets } from '../deviceplugin/remove-stale-sockets.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type HeldDevicesWatch, type HeldWatchOptions, watchHeldDevices } from '../podresources/watch-held-devices.ts';
import { createHeldTracker, type HeldTracker } from './held-tracker.ts';

/** Kubelet, as it comes and goes, and what it says that pods hold. */
export interface FollowedKubelet extends AsyncDisposable {
  readonly kubelet: KubeletWatch;
  readonly answers: HeldDevicesWatch;
  readonly held: HeldTracker;
  /** Whether kubelet has said what all pods of its node hold. */
  isHeldKnown(): boolean;
}

export interface FollowKubeletOptions extends Pick<HeldWatchOptions, 'refreshMs' | 'kubeletSettleMs' | 'onAnswer'> {
  /** @example '/var/lib/kubelet' */
  readonly directory: string;
  readonly ledger: Ledger;
  readonly onEvent: (event: KubeletEvent) => void;
  /** The sockets that a killed process of ours had left, and which are gone now; may be none. */
  readonly onStaleSockets: (sockets: readonly string[]) => void;
}

/** Follows kubelet by its directory, until disposed. */
export async function followKubelet(options: FollowKubeletOptions): Promise<FollowedKubelet> {
  const { directory, ledger, onEvent, onStaleSockets, ...asking } = options;
  await using undo = new AsyncDisposableStack();
  const plugins = join(directory, 'device-plugins');
  onStaleSockets(await removeStaleSockets(plugins));
  const kubelet = undo.use(await watchKubelet({ directory: plugins, onEvent }));
  const answers = undo.use(
    watchHeldDevices({
      ...asking,
      socketPath: join(directory, 'pod-resources/kubelet.sock'),
      resourcePrefix,
      kubelet: { subscribe: (listener) => kubelet.subscribe(listener) },
    }),
  );
  const followed = undo.move();
  return {
    kubelet,
    answers,
    held: createHeldTracker({ ledger, view: () => answers.current, now: () => performance.now() }),
    isHeldKnown: () => answers.current?.complete === true,
    [Symbol.asyncDispose]: () => followed.disposeAsync(),
  };
}
