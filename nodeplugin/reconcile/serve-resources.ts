// SPDX-License-Identifier: Apache-2.0
import type { KeyedLock } from '../../runtime/keyed-lock.ts';
import type { AllocateContext } from '../deviceplugin/allocate-device.ts';
import type { FailureListener } from '../deviceplugin/handle-call.ts';
import type { KubeletWatch } from '../deviceplugin/kubelet-watch.ts';
import { type DeviceCall, observeCalls } from '../deviceplugin/observe-calls.ts';
import { createResourceHandlers } from '../deviceplugin/resource-handlers.ts';
import {
  type RegistrationOutcome,
  type ResourcePluginState,
  startResourcePlugin,
} from '../deviceplugin/resource-plugin.ts';
import type { HeldTracker } from './held-tracker.ts';
import { allocatableOf } from './served-resource.ts';
import { ServedResources } from './served-resources.ts';

export interface ServeOptions {
  readonly context: AllocateContext;
  /** One for all resources and all attachments, its keys the names of links. */
  readonly lock: KeyedLock;
  readonly kubelet: KubeletWatch;
  readonly held: Pick<HeldTracker, 'allocating'>;
  /** Each is told the resource's name, without the prefix. */
  readonly onCall: (name: string, call: DeviceCall) => void;
  readonly onState: (name: string, state: ResourcePluginState) => void;
  readonly onFailure: (name: string, ...failure: Parameters<FailureListener>) => void;
  readonly onRegistration: (outcome: RegistrationOutcome) => void;
}

/** The node's resources, none as yet: each that is applied gets a device plugin which makes macvtaps. */
export function serveResources(options: ServeOptions): ServedResources {
  const { context, lock, kubelet, held, onCall, onState, onFailure, onRegistration } = options;
  return new ServedResources({
    createHandlers: (name, list, served) =>
      createResourceHandlers({
        name,
        list,
        allocatable: () => allocatableOf(served()),
        context,
        lock,
        allocating: held.allocating,
      }),
    startPlugin: (name, handlers) =>
      startResourcePlugin({
        name,
        kubelet,
        handlers: observeCalls(handlers, (call) => onCall(name, call)),
        onRegistration,
        onState: (state) => onState(name, state),
        onFailure: (...failure) => onFailure(name, ...failure),
      }),
  });
}
