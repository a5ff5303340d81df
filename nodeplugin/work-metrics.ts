// SPDX-License-Identifier: Apache-2.0
import { Counter, type Registry } from 'prom-client';
import type { ErrorCode, MacvtapError } from '../runtime/errors.ts';
import { createCounter, createHistogram, metricsOf } from '../runtime/metrics.ts';
import type { AnsweredRequest } from './cni/answered-request.ts';
import type { CNIEnvironment } from './cni/spec/cni-environment.ts';
import { cniFamilies, familyOf } from './cni/spec/cni-protocol.ts';
import { type DeviceCall, deviceMethods } from './deviceplugin/resource-handlers.ts';
import type { RegistrationOutcome } from './deviceplugin/resource-plugin.ts';
import {
  type AllocateStep,
  allocateSteps,
  type CNIStep,
  cniSteps,
  type StepListener,
  stepOutcomes,
} from './time-step.ts';

/** A recorder that counts and measures the node plugin's operations. */
export interface WorkRecorder {
  deviceCall(call: DeviceCall): void;
  claim(method: ClaimMethod, durationMs: number, error: MacvtapError | undefined): void;
  cniRequest(request: AnsweredRequest): void;
  readonly cniStep: StepListener<CNIStep>;
  readonly allocateStep: StepListener<AllocateStep>;
  registration(outcome: RegistrationOutcome): void;
  netlinkError(error: MacvtapError): void;
  orphan(outcome: 'removed' | 'failed'): void;
  vlan(outcome: (typeof vlanOutcomes)[number]): void;
  lostAttachments(count: number): void;
  ledgerWrite(outcome: WriteOutcome): void;
  stateWrite(outcome: WriteOutcome): void;
  sliceWrite(outcome: WriteOutcome): void;
  podResources(outcome: AnswerOutcome): void;
}

const claimMethods = ['NodePrepareResources', 'NodeUnprepareResources'] as const;
type ClaimMethod = (typeof claimMethods)[number];
const vlanOutcomes = ['created', 'removed', 'failed'] as const;
const writeOutcomes = ['written', 'failed'] as const;
type WriteOutcome = (typeof writeOutcomes)[number];
const answerOutcomes = ['complete', 'incomplete', 'failed'] as const;
type AnswerOutcome = (typeof answerOutcomes)[number];
const registrationOutcomes = ['registered', 'failed', 'lost'] as const satisfies readonly RegistrationOutcome[];

/** The commands that have their own label. All others are rare and quick, and are counted as `other`. */
const cniCommands = ['ADD', 'DEL', 'CHECK'] as const;
const outcomes = ['succeeded', 'failed'] as const;

/**
 * The buckets of the histograms in seconds. They range from 0.5 ms, about the time to create a link, to the 15 s
 * deadline of CNI requests.
 */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15];

/** The error codes that the functions in links/ raise. Any other error is counted as Unexpected. */
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
  'VlanUnsupported',
  'MissingCapability',
  'Unexpected',
] as const satisfies readonly ErrorCode[];

/** Registers the metrics. All series start at 0. */
export function createWorkRecorder(registry: Registry): WorkRecorder {
  const calls = createHistogram(
    registry,
    { ...named('kube_macvtap_node_device_call_duration_seconds'), buckets },
    { method: deviceMethods, outcome: outcomes },
  );
  const claims = createHistogram(
    registry,
    { ...named('kube_macvtap_node_claim_duration_seconds'), buckets },
    { method: claimMethods, outcome: outcomes },
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
  const notInjected = new Counter({ ...named('kube_macvtap_node_pods_not_injected_total'), registers: [registry] });
  const isFirst = createOnce();
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
  const vlans = createCounter(registry, named('kube_macvtap_node_vlans_total'), { outcome: vlanOutcomes });
  const lost = new Counter({ ...named('kube_macvtap_node_lost_attachments_total'), registers: [registry] });
  const ledgerWrites = createCounter(registry, named('kube_macvtap_node_ledger_writes_total'), {
    outcome: writeOutcomes,
  });
  const stateWrites = createCounter(registry, named('kube_macvtap_node_state_writes_total'), {
    outcome: writeOutcomes,
  });
  const sliceWrites = createCounter(registry, named('kube_macvtap_node_slice_writes_total'), {
    outcome: writeOutcomes,
  });
  const answers = createCounter(registry, named('kube_macvtap_node_pod_resources_answers_total'), {
    outcome: answerOutcomes,
  });
  return {
    deviceCall: ({ method, error, durationMs }) =>
      calls.observe({ method, outcome: error === undefined ? 'succeeded' : 'failed' }, durationMs / 1_000),
    claim: (method, durationMs, error) =>
      claims.observe({ method, outcome: error === undefined ? 'succeeded' : 'failed' }, durationMs / 1_000),
    cniRequest: ({ command: said, failure, durationMs }) => {
      const command = cniCommands.find((known) => known === said) ?? 'other';
      requests.observe({ command, outcome: failure === undefined ? 'succeeded' : 'failed' }, durationMs / 1_000);
      if (failure === undefined) return;
      failures.inc({ command, error: familyOf(failure) });
      const { error, environment } = failure;
      if (error.code === 'DeviceMissing' && environment?.command === 'ADD' && isFirst(keyOf(environment)))
        notInjected.inc();
    },
    cniStep: (step, outcome, durationMs) => steps.observe({ step, outcome }, durationMs / 1_000),
    allocateStep: (step, outcome, durationMs) => allocateDurations.observe({ step, outcome }, durationMs / 1_000),
    registration: (outcome) => registrations.inc({ outcome }),
    netlinkError: (error) =>
      netlinkErrors.inc({ code: netlinkCodes.find((code) => code === error.code) ?? 'Unexpected' }),
    orphan: (outcome) => orphans.inc({ outcome }),
    vlan: (outcome) => vlans.inc({ outcome }),
    lostAttachments: (count) => lost.inc(count),
    ledgerWrite: (outcome) => ledgerWrites.inc({ outcome }),
    stateWrite: (outcome) => stateWrites.inc({ outcome }),
    sliceWrite: (outcome) => sliceWrites.inc({ outcome }),
    podResources: (outcome) => answers.inc({ outcome }),
  };
}

/** The number of keys that are remembered. It exceeds the few hundred pods of a node. */
const maxRemembered = 1_000;

/**
 * Returns a function that checks whether a key is not among the last thousand keys. It is used to count a pod only
 * once, because kubelet repeats a failed ADD every few seconds.
 */
function createOnce(): (key: string) => boolean {
  const seen = new Set<string>();
  return (key) => {
    const isNew = !seen.delete(key);
    seen.add(key);
    for (const oldest of seen.size > maxRemembered ? [...seen].slice(0, 1) : []) seen.delete(oldest);
    return isNew;
  };
}

function keyOf({ pod }: CNIEnvironment): string {
  return `${pod?.namespace}/${pod?.name}/${pod?.uid}`;
}

/** The metrics of the node plugin. The names are a public interface: docs/how-to/monitor.md has the same table. */
export const nodePluginMetrics = {
  kube_macvtap_node_devices:
    'Devices reported to kubelet, by resource, health (Healthy, Unhealthy) and state (held by a pod, or free).',
  kube_macvtap_node_resource_registered: 'Whether a resource is registered with kubelet: 1 or 0.',
  kube_macvtap_node_plan_in_force:
    'Whether the current plan was computed from the latest state of the node and the cluster: 1 or 0.',
  kube_macvtap_node_plan_timestamp_seconds:
    'Time at which the current plan was computed, in seconds since the epoch; NaN before the first plan.',
  kube_macvtap_node_plan_findings:
    'Interfaces and resources that a policy, the config map or a node label names but the plan does not expose, by code of docs/reference/reasons.md.',
  kube_macvtap_node_device_call_duration_seconds:
    "Duration of kubelet's calls, by method (Allocate, PreStartContainer) and outcome (succeeded, failed).",
  kube_macvtap_node_claim_duration_seconds:
    'Duration for each ResourceClaim, by method (NodePrepareResources, NodeUnprepareResources) and outcome (succeeded, failed).',
  kube_macvtap_node_allocate_step_duration_seconds:
    'Duration of the steps of Allocate and NodePrepareResources, by outcome: wait for each call or claim, make and record for each device.',
  kube_macvtap_node_cni_request_duration_seconds:
    "Duration of the CNI plugin's requests, by command (ADD, DEL, CHECK, other) and outcome (succeeded, failed).",
  kube_macvtap_node_cni_failures_total: 'Failed requests of the CNI plugin, by command and name of the CNI error.',
  kube_macvtap_node_pods_not_injected_total:
    'Pods that could not be attached because they have no device, usually because the webhook was down when they were created. Recreate these pods.',
  kube_macvtap_node_cni_step_duration_seconds:
    'Duration of the steps of ADD (wait, free, record, create, own) and of DEL (wait, delete), by outcome.',
  kube_macvtap_node_registrations_total:
    'Registrations of resources with kubelet, by outcome: registered, failed, or lost (kubelet ended a registration).',
  kube_macvtap_node_netlink_errors_total: 'Errors of netlink requests, by code of docs/reference/errors.md.',
  kube_macvtap_node_orphans_total: 'Removals of unused devices and links, by outcome: removed or failed.',
  kube_macvtap_node_vlans_total:
    'Created and removed VLANs of policies, by outcome: created, removed, or failed (counted once for each new error).',
  kube_macvtap_node_stranded_attachments:
    'Links that are still in a sandbox although kubelet released the device: the runtime has not called DEL.',
  kube_macvtap_node_lost_attachments_total:
    'Attachments that were removed from the ledger because their pods ended without a DEL.',
  kube_macvtap_node_ledger_writes_total: 'Writes of the ledger, by outcome: written or failed.',
  kube_macvtap_node_state_writes_total: "Writes of the node's MacvtapNetworkNodeState, by outcome: written or failed.",
  kube_macvtap_node_slice_writes_total: "Writes of the node's ResourceSlices, by outcome: written or failed.",
  kube_macvtap_node_pod_resources_answers_total:
    'Requests to kubelet for the devices of pods, by outcome: complete, incomplete (kubelet had just started) or failed.',
} as const satisfies Record<string, string>;

export const named = metricsOf(nodePluginMetrics);
