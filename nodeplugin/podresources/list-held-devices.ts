// SPDX-License-Identifier: Apache-2.0
import { type AskOptions, askPodResources } from './ask-pod-resources.ts';
import { type HeldDeviceMap, readHeldDevices } from './read-held-devices.ts';

export interface ListOptions extends AskOptions {
  /** @example 'macvtap.network.kubevirt.io/' */
  readonly resourcePrefix: string;
}

/**
 * The devices of ours that kubelet lists at this moment, by ID; one look, for tools. Whoever decides on it needs
 * `watchHeldDevices`, which knows when a device that is missing is held all the same. Raises what `askPodResources` does.
 */
export async function listHeldDevices(options: ListOptions): Promise<HeldDeviceMap> {
  return readHeldDevices(await askPodResources(options), options.resourcePrefix);
}
