// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeviceList, type Device } from '../../nodeplugin/deviceplugin/device-list.ts';
import { type KubeletWatch, watchKubelet } from '../../nodeplugin/deviceplugin/kubelet-watch.ts';
import {
  type ResourcePlugin,
  type ResourcePluginOptions,
  type ResourcePluginState,
  startResourcePlugin,
} from '../../nodeplugin/deviceplugin/resource-plugin.ts';
import type { DevicePluginHandlers } from '../../nodeplugin/deviceplugin/server.ts';
import type { ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { createEventLog, type EventLog } from './event-log.ts';

/** A directory for kubelet and a watch on it, as in the node plugin. */
export interface Node extends AsyncDisposable {
  readonly directory: string;
  readonly watch: KubeletWatch;
  /** Starts a resource with these devices. It stops with the node. */
  serve(name: string, devices: readonly Device[], more?: Partial<ServeMore>): ServedResource;
}

type ServeMore = Pick<ResourcePluginOptions, 'registerTimeoutMs' | 'signal' | 'onFailure' | 'onRegistration'> & {
  readonly handlers: Partial<DevicePluginHandlers>;
};

export interface ServedResource {
  readonly plugin: ResourcePlugin;
  readonly states: EventLog<ResourcePluginState>;
  /** Resolves with the next state of this phase. States that were reported before the call do not count. */
  next(phase: ResourcePluginState['phase']): Promise<ResourcePluginState>;
  /** Resolves with the first state of this phase, even if it was reported before the call. */
  reached(phase: ResourcePluginState['phase']): Promise<ResourcePluginState>;
  /** Resolves with the first error with this code. */
  failed(code: ErrorCode): Promise<MacvtapError>;
}

/** Creates a node. With `below`, the directory does not exist at first. */
export async function createNode({ below = '' } = {}): Promise<Node> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-node-')));
  const directory = join(path, below);
  const watch = undo.use(await watchKubelet({ directory, pollMs: 20 }));
  const moved = undo.move();
  return {
    directory,
    watch,
    serve: (name, devices, more = {}) => {
      const states = createEventLog<ResourcePluginState>();
      const plugin = moved.use(
        startResourcePlugin({
          ...more,
          name,
          kubelet: watch,
          handlers: { ...answerAll, list: createDeviceList(devices), ...more.handlers },
          onState: states.push,
          backOffMs: () => 5,
        }),
      );
      const isOf = (phase: string) => (state: ResourcePluginState) => state.phase === phase;
      return {
        plugin,
        states,
        next: (phase) => states.next(isOf(phase), states.events.length),
        reached: (phase) => states.next(isOf(phase)),
        failed: async (code) => {
          const { lastError } = await states.next((state) => state.lastError?.code === code);
          return lastError as MacvtapError;
        },
      };
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** @example devices('dataplane', 2) → dataplaneMvp0, dataplaneMvp1, both healthy */
export function devices(name: string, count: number): readonly Device[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${name}Mvp${index}`, healthy: true, numaNodes: [] }));
}

const answerAll: Omit<DevicePluginHandlers, 'list'> = {
  options: { pre_start_required: true, get_preferred_allocation_available: true },
  allocate: ({ container_requests }) => ({
    container_responses: container_requests.map(({ devices_ids }) => ({ envs: { DEVICES: devices_ids.join() } })),
  }),
  preferredAllocation: ({ container_requests }) => ({
    container_responses: container_requests.map((request) => ({
      deviceIDs: request.available_deviceIDs.toSorted().toReversed().slice(0, request.allocation_size),
    })),
  }),
  preStartContainer: () => {},
};
