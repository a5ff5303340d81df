// SPDX-License-Identifier: Apache-2.0
import { Counter, type Registry } from 'prom-client';
import type { ErrorCode } from '../runtime/error-codes.ts';
import type { MacvtapError } from '../runtime/errors.ts';
import { createCounter, createHistogram } from '../runtime/metrics.ts';
import { cniFamilies, familyOf } from './cni/cni-error.ts';
import { type CNIStep, cniSteps } from './cni/cni-steps.ts';
import type { AnsweredRequest } from './cni/observe-request.ts';
import { type AllocateStep, allocateSteps } from './deviceplugin/allocate-steps.ts';
import { type DeviceCall, deviceMethods } from './deviceplugin/observe-calls.ts';
import type { RegistrationOutcome } from './deviceplugin/resource-plugin.ts';
import { named } from './metric-table.ts';
import { type StepListener, stepOutcomes } from './time-step.ts';

/** What the node plugin counts of what it does. */
export interface WorkRecorder {
  deviceCall(call: DeviceCall): void;
  cniRequest(request: AnsweredRequest): void;
  readonly cniStep: StepListener<CNIStep>;
  readonly allocateStep: StepListener<AllocateStep>;
  registration(outcome: RegistrationOutcome): void;
  netlinkError(error: MacvtapError): void;
  orphan(outcome: 'removed' | 'failed'): void;
  lostAttachments(count: number): void;
  ledgerWrite(outcome: WriteOutcome): void;
  stateWrite(outcome: WriteOutcome): void;
  podResources(outcome: AnswerOutcome): void;
}

const writeOutcomes = ['written', 'failed'] as const;
type WriteOutcome = (typeof writeOutcomes)[number];
const answerOutcomes = ['complete', 'incomplete', 'failed'] as const;
type AnswerOutcome = (typeof answerOutcomes)[number];
const registrationOutcomes = ['registered', 'failed', 'lost'] as const satisfies readonly RegistrationOutcome[];

/** Those that the runtime waits for; the rest are rare and quick. */
const cniCommands = ['ADD', 'DEL', 'CHECK'] as const;
const outcomes = ['succeeded', 'failed'] as const;

/** From 0.5 ms, about what the kernel takes for a link, to the 15 s after which we give a request up ourselves. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15];

/** What links/ raises; anything else is counted as Unexpected. */
const netlinkCodes = [
  'NetlinkUnavailable',
  'NetlinkMalformed',
  'NetlinkLost',
  'NetlinkRefused',
  'NetnsUnreachable',
  'LinkNameTaken',
  'LinkNameInvalid',
  'LinkGone',
  'IfindexTaken',
  'ParentGone',
  'ParentEnslaved',
  'ParentUnsuitable',
  'MTUAboveParent',
  'PassthruExclusive',
  'MACAddressInvalid',
  'MACAddressTaken',
  'MacvtapUnsupported',
  'MissingCapability',
  'Unexpected',
] as const satisfies readonly ErrorCode[];

/** Counts in a registry, everything from 0. */
export function recordWork(registry: Registry): WorkRecorder {
  const calls = createHistogram(
    registry,
    { ...named('kube_macvtap_node_device_call_duration_seconds'), buckets },
    { method: deviceMethods, outcome: outcomes },
  );
  const commands = [...cniCommands, 'other'];
  const requests = createHistogram(
    registry,
    { ...named('kube_macvtap_node_cni_request_duration_seconds'), buckets },
    { command: commands, outcome: outcomes },
  );
  const failures = createCounter(registry, named('kube_macvtap_node_cni_failures_total'), {
    command: commands,
    error: cniFamilies,
  });
  const steps = createHistogram(
    registry,
    { ...named('kube_macvtap_node_cni_step_duration_seconds'), buckets },
    { step: cniSteps, outcome: stepOutcomes },
  );
  const allocateDurations = createHistogram(
    registry,
    { ...named('kube_macvtap_node_allocate_step_duration_seconds'), buckets },
    { step: allocateSteps, outcome: stepOutcomes },
  );
  const registrations = createCounter(registry, named('kube_macvtap_node_registrations_total'), {
    outcome: registrationOutcomes,
  });
  const netlinkErrors = createCounter(registry, named('kube_macvtap_node_netlink_errors_total'), {
    code: netlinkCodes,
  });
  const orphans = createCounter(registry, named('kube_macvtap_node_orphans_total'), {
    outcome: ['removed', 'failed'],
  });
  const lost = new Counter({ ...named('kube_macvtap_node_lost_attachments_total'), registers: [registry] });
  const ledgerWrites = createCounter(registry, named('kube_macvtap_node_ledger_writes_total'), {
    outcome: writeOutcomes,
  });
  const stateWrites = createCounter(registry, named('kube_macvtap_node_state_writes_total'), {
    outcome: writeOutcomes,
  });
  const answers = createCounter(registry, named('kube_macvtap_node_pod_resources_answers_total'), {
    outcome: answerOutcomes,
  });
  return {
    deviceCall: ({ method, error, durationMs }) =>
      calls.observe({ method, outcome: error === undefined ? 'succeeded' : 'failed' }, durationMs / 1_000),
    cniRequest: ({ command: said, failure, durationMs }) => {
      const command = cniCommands.find((known) => known === said) ?? 'other';
      requests.observe({ command, outcome: failure === undefined ? 'succeeded' : 'failed' }, durationMs / 1_000);
      if (failure !== undefined) failures.inc({ command, error: familyOf(failure) });
    },
    cniStep: (step, outcome, durationMs) => steps.observe({ step, outcome }, durationMs / 1_000),
    allocateStep: (step, outcome, durationMs) => allocateDurations.observe({ step, outcome }, durationMs / 1_000),
    registration: (outcome) => registrations.inc({ outcome }),
    netlinkError: (error) =>
      netlinkErrors.inc({ code: netlinkCodes.find((code) => code === error.code) ?? 'Unexpected' }),
    orphan: (outcome) => orphans.inc({ outcome }),
    lostAttachments: (count) => lost.inc(count),
    ledgerWrite: (outcome) => ledgerWrites.inc({ outcome }),
    stateWrite: (outcome) => stateWrites.inc({ outcome }),
    podResources: (outcome) => answers.inc({ outcome }),
  };
}
