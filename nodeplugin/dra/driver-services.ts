// SPDX-License-Identifier: Apache-2.0
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { loadProto } from '../grpc-client.ts';
import type { ClaimRef, PreparedDevice } from './prepare-claim.ts';

/** The type of the plugin in its registration (pluginregistration/v1/constants.go, DRAPlugin). */
export const pluginType = 'DRAPlugin';

/** The service that the driver serves (dra/v1/types.go, DRAPluginService). */
export const supportedService = 'v1.DRAPlugin';

export interface ClaimsRequest {
  readonly claims: readonly ClaimRef[];
}

/** One entry for each claim of a request, by the claim's UID. */
export interface ClaimsResponse<Outcome> {
  readonly claims: Readonly<Record<string, Outcome>>;
}

export interface PrepareOutcome {
  readonly error?: string;
  readonly devices?: readonly {
    readonly request_names: readonly string[];
    readonly pool_name: string;
    readonly device_name: string;
    readonly cdi_device_ids: readonly string[];
  }[];
}

export interface UnprepareOutcome {
  readonly error?: string;
}

export interface PluginInfo {
  readonly type: string;
  readonly name: string;
  readonly endpoint: string;
  readonly supported_versions: readonly string[];
}

export interface RegistrationStatus {
  readonly plugin_registered: boolean;
  readonly error: string;
}

export interface DriverService extends ServiceDefinition {
  readonly NodePrepareResources: MethodDefinition<ClaimsRequest, ClaimsResponse<PrepareOutcome>>;
  readonly NodeUnprepareResources: MethodDefinition<ClaimsRequest, ClaimsResponse<UnprepareOutcome>>;
}

export interface PluginRegistrationService extends ServiceDefinition {
  readonly GetInfo: MethodDefinition<Readonly<Record<string, never>>, PluginInfo>;
  readonly NotifyRegistrationStatus: MethodDefinition<RegistrationStatus, Readonly<Record<string, never>>>;
}

const driver = loadProto(new URL('./dra-v1.proto', import.meta.url));
const registration = loadProto(new URL('./pluginregistration.proto', import.meta.url));

/** The driver's service. The type mirrors dra-v1.proto; driver-services.test.ts compares both with literal bytes. */
export const driverService = driver['k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin'] as unknown as DriverService;

/** The service by which kubelet registers the driver. See `driverService` for the type. */
export const pluginRegistrationService = registration[
  'pluginregistration.Registration'
] as unknown as PluginRegistrationService;

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

/** Wraps the handlers. `onAnswer` is called with each answer to kubelet, and `onEnd` after each of them. */
export function observeClaims(
  { prepare, unprepare }: DriverHandlers,
  onAnswer: (answered: AnsweredClaim) => void,
  onEnd: () => void,
): DriverHandlers {
  const observe = async <Answer>(
    about: Pick<AnsweredClaim, 'method' | 'claim'>,
    answering: Promise<Answer>,
    devicesOf: (answer: Answer) => readonly string[],
  ): Promise<Answer> => {
    const startMs = performance.now();
    const done = (devices: readonly string[], error?: MacvtapError) => {
      onAnswer({ ...about, devices, durationMs: performance.now() - startMs, ...(error && { error }) });
      onEnd();
    };
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
