// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { DRAPluginService } from './dra-v1.pb.ts';
import { RegistrationService } from './pluginregistration.pb.ts';
import type { ClaimRef, PreparedDevice } from './prepare-claim.ts';

/** The type of the plugin in its registration (pluginregistration/v1/constants.go, DRAPlugin). */
export const pluginType = 'DRAPlugin';

/** The service that the driver serves (dra/v1/types.go, DRAPluginService). */
export const supportedService = 'v1.DRAPlugin';

/** The driver's service. driver-services.test.ts compares its messages with literal bytes. */
export const driverService = {
  NodePrepareResources: DRAPluginService.nodePrepareResources,
  NodeUnprepareResources: DRAPluginService.nodeUnprepareResources,
} as const;

/** The service by which kubelet registers the driver. */
export const pluginRegistrationService = {
  GetInfo: RegistrationService.getInfo,
  NotifyRegistrationStatus: RegistrationService.notifyRegistrationStatus,
} as const;

export interface DriverHandlers {
  prepare(claim: ClaimRef, signal: AbortSignal): Promise<readonly PreparedDevice[]>;
  unprepare(claim: ClaimRef, signal: AbortSignal): Promise<void>;
}

/** A prepared or unprepared claim, with the error if that failed. */
export interface AnsweredClaim {
  readonly method: 'NodePrepareResources' | 'NodeUnprepareResources';
  readonly claim: ClaimRef;
  readonly devices: readonly string[];
  readonly durationMs: number;
  readonly error?: MacvtapError;
}

/** Wraps the handlers. `onAnswer` is called with each answer to kubelet. */
export function observeClaims(
  { prepare, unprepare }: DriverHandlers,
  onAnswer: (answered: AnsweredClaim) => void,
): DriverHandlers {
  const observe = async <Answer>(
    about: Pick<AnsweredClaim, 'method' | 'claim'>,
    answering: Promise<Answer>,
    devicesOf: (answer: Answer) => readonly string[],
  ): Promise<Answer> => {
    const startMs = performance.now();
    const done = (devices: readonly string[], error?: MacvtapError) =>
      onAnswer({ ...about, devices, durationMs: performance.now() - startMs, ...(error && { error }) });
    try {
      const answer = await answering;
      done(devicesOf(answer));
      return answer;
    } catch (thrown) {
      done([], MacvtapError.from(thrown));
      throw thrown;
    }
  };
  return {
    prepare: (claim, signal) =>
      observe({ method: 'NodePrepareResources', claim }, prepare(claim, signal), (devices) =>
        devices.map(({ device }) => device),
      ),
    unprepare: (claim, signal) =>
      observe({ method: 'NodeUnprepareResources', claim }, unprepare(claim, signal), () => []),
  };
}
