// SPDX-License-Identifier: Apache-2.0
import type { HeldDevices } from '../podresources/held-devices.ts';
import type { PodName } from '../podresources/read-held-devices.ts';
import type { HeldDevicesWatch } from '../podresources/watch-held-devices.ts';
import type { HeldTracker } from '../reconcile/held-tracker.ts';
import type { DeviceHolders } from './cni-context.ts';

/** Who holds devices, by what the watch saw. */
export function createDeviceHolders(
  watch: Pick<HeldDevicesWatch, 'current' | 'refresh'>,
  { wasGivenOutSince }: Pick<HeldTracker, 'wasGivenOutSince'>,
): DeviceHolders {
  const read = (held: HeldDevices | undefined, id: string): readonly PodName[] | undefined => {
    const listed = held?.devices.get(id)?.pods;
    if (listed !== undefined) return listed;
    return held?.complete === true ? [] : undefined;
  };
  return {
    known(id) {
      const { current } = watch;
      return current !== undefined && wasGivenOutSince(id, current.askedAtMs) ? undefined : read(current, id);
    },
    ask: async (id, signal) => read(await watch.refresh(signal), id),
  };
}
