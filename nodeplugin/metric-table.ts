// SPDX-License-Identifier: Apache-2.0

/** Every metric of the node plugin alone. The names are a contract: docs/monitoring.md has the same table. */
export const nodePluginMetrics = {
  kube_macvtap_node_devices:
    'Devices that kubelet is told of, by resource, health (Healthy, Unhealthy) and state (held by a pod, or free).',
  kube_macvtap_node_resource_registered: 'Whether kubelet knows a resource: 1 or 0.',
  kube_macvtap_node_plan_in_force: 'Whether there is a plan that follows what the node and the cluster say: 1 or 0.',
  kube_macvtap_node_plan_timestamp_seconds:
    'When the plan in force was made, in seconds since the epoch; NaN before the first.',
  kube_macvtap_node_plan_findings:
    'What the plan does not expose although somebody names it, and what lost a conflict, by code of docs/reasons.md.',
  kube_macvtap_node_device_call_duration_seconds:
    "How long kubelet's calls took, by method (Allocate, PreStartContainer) and outcome (succeeded, failed).",
  kube_macvtap_node_allocate_step_duration_seconds:
    'How long the steps of Allocate took (wait, and for each device make, record), by outcome (succeeded, failed).',
  kube_macvtap_node_cni_request_duration_seconds:
    'How long requests of the CNI plugin took, by command (ADD, DEL, CHECK, other) and outcome (succeeded, failed).',
  kube_macvtap_node_cni_failures_total:
    'Requests of the CNI plugin that failed, by command and what CNI calls the error; ours: none of its own.',
  kube_macvtap_node_cni_step_duration_seconds:
    'How long the steps of ADD (wait, free, record, create, own) and of DEL (wait, delete) took, by outcome.',
  kube_macvtap_node_registrations_total:
    'Attempts to register a resource: registered, failed; lost, when kubelet let go of one that was registered.',
  kube_macvtap_node_netlink_errors_total: 'What the kernel, or the way to it, refused, by code of docs/errors.md.',
  kube_macvtap_node_orphans_total: 'Devices and links that nobody used any more: removed, or failed to be.',
  kube_macvtap_node_lost_attachments_total: 'Devices taken out of pods that went without a DEL.',
  kube_macvtap_node_ledger_writes_total: 'Writes of the ledger: written or failed.',
  kube_macvtap_node_state_writes_total: "Writes of the node's MacvtapNetworkNodeState: written or failed.",
  kube_macvtap_node_pod_resources_answers_total:
    'What came of asking kubelet which devices pods hold: complete, incomplete (it had just started) or failed.',
} as const satisfies Record<string, string>;

export function named<Name extends keyof typeof nodePluginMetrics>(name: Name) {
  return { name, help: nodePluginMetrics[name] };
}
