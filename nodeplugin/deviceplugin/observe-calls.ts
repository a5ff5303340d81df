// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { DevicePluginHandlers } from './server.ts';

/** The calls that do something; GetPreferredAllocation only computes. */
export const deviceMethods = ['Allocate', 'PreStartContainer'] as const;

/** A call of kubelet that was answered. */
export interface DeviceCall {
  readonly method: (typeof deviceMethods)[number];
  readonly devices: readonly string[];
  readonly durationMs: number;
  /** Absent after a success. */
  readonly error?: MacvtapError;
}

/** The same handlers, of which somebody hears what they did and how long it took. */
export function observeCalls(handlers: DevicePluginHandlers, onCall: (call: DeviceCall) => void): DevicePluginHandlers {
  const observe = async <Answer>(
    method: DeviceCall['method'],
    devices: readonly string[],
    run: () => Answer | Promise<Answer>,
  ): Promise<Answer> => {
    const startMs = performance.now();
    const done = (error?: MacvtapError) =>
      onCall({ method, devices, durationMs: performance.now() - startMs, ...(error && { error }) });
    try {
      const answer = await run();
      done();
      return answer;
    } catch (thrown) {
      done(MacvtapError.from(thrown));
      throw thrown;
    }
  };
  return {
    ...handlers,
    allocate: (request, scope) =>
      observe(
        'Allocate',
        request.container_requests.flatMap(({ devices_ids }) => devices_ids),
        () => handlers.allocate(request, scope),
      ),
    preStartContainer: (request, scope) =>
      observe('PreStartContainer', request.devices_ids, () => handlers.preStartContainer(request, scope)),
  };
}
