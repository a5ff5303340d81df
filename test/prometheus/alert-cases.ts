// SPDX-License-Identifier: Apache-2.0
import { renewalSettings } from '../../certs/certificate-state.ts';

/**
 * Samples by series, one minute apart, as promtool writes them. `0+5x3` is 0, 5, 10, 15, and `_` is a missing sample.
 */
type Series = Readonly<Record<string, string>>;

/** Samples for which an alert fires, and samples for which it almost fires. The alert is checked at the end of each. */
export interface AlertCase {
  readonly fires: Series;
  /** The labels of the firing alert, in addition to its name and severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** Samples that are as close as possible to `fires` but do not fire: too short, too few, or of another kind. */
  readonly silent: Series;
  /** The time of the check, in minutes. */
  readonly at: number;
}

const webhook = 'job="kube-macvtap-webhook",instance="10.0.0.1:9443"';
const node = 'job="kube-macvtap-nodeplugin",instance="10.0.0.2:9444"';
const ofWebhook = { job: 'kube-macvtap-webhook', instance: '10.0.0.1:9443' };
const ofNode = { job: 'kube-macvtap-nodeplugin', instance: '10.0.0.2:9444' };
const { instance } = ofNode;
const pod = { kind: 'Pod', verb: 'mutate' };
const reviews = (outcome: string) =>
  `kube_macvtap_webhook_reviews_total{${webhook},kind="Pod",verb="mutate",operation="CREATE",outcome="${outcome}"}`;
const reviewsBelow = (le: string) =>
  `kube_macvtap_webhook_review_duration_seconds_bucket{${webhook},kind="Pod",verb="mutate",le="${le}"}`;
const devices = (health: string, state: string) =>
  `kube_macvtap_node_devices{${node},resource="net",health="${health}",state="${state}"}`;
const calls = (outcome: string) =>
  `kube_macvtap_node_device_call_duration_seconds_count{${node},method="Allocate",outcome="${outcome}"}`;
const requests = (command: string, outcome: string) =>
  `kube_macvtap_node_cni_request_duration_seconds_count{${node},command="${command}",outcome="${outcome}"}`;
const writes = (what: string, outcome: string) =>
  `kube_macvtap_node_${what}_writes_total{${node},outcome="${outcome}"}`;
const answers = (outcome: string) => `kube_macvtap_node_pod_resources_answers_total{${node},outcome="${outcome}"}`;
const netlink = (code: string) => `kube_macvtap_node_netlink_errors_total{${node},code="${code}"}`;
const findings = (code: string) => `kube_macvtap_node_plan_findings{${node},code="${code}"}`;
const age = `kube_macvtap_cache_age_seconds{${webhook},kind="Node"}`;
const lag = `nodejs_eventloop_lag_max_seconds{${node}}`;
const start = `kube_macvtap_webhook_certificate_start_seconds{${webhook}}`;
const none = 'kube_macvtap_webhook_certificate_expiry_seconds{job="kube-macvtap-webhook",instance="10.0.0.9:9443"}';
const expiry = `kube_macvtap_webhook_certificate_expiry_seconds{${webhook}}`;

const certificateFaults = `kube_macvtap_webhook_certificate_faults{${webhook}}`;
const leftOut = `kube_macvtap_webhook_node_states_left_out{${webhook}}`;
const { lifetimeMs, renewBeforeMs } = renewalSettings();
const dueSeconds = 15 * 60;
const statuses = (outcome: string) =>
  `kube_macvtap_webhook_policy_status_writes_total{${webhook},outcome="${outcome}"}`;
const events = (outcome: string) => `kube_macvtap_events_total{${node},outcome="${outcome}"}`;

/** One case for each alert in the chart's alerts.yaml. */
export const alertCases: Readonly<Record<string, AlertCase>> = {
  KubeMacvtapWebhookAbsent: {
    fires: { [`up{${webhook}}`]: '1x10 0x20' },
    labels: {},
    // One of two replicas is enough.
    silent: { [`up{${webhook}}`]: '0x30', 'up{job="kube-macvtap-webhook",instance="10.0.0.9:9443"}': '1x30' },
    at: 20,
  },
  KubeMacvtapTargetDown: {
    fires: { [`up{${node}}`]: '0x20', 'up{job="other",instance="a"}': '0x20' },
    labels: ofNode,
    silent: { [`up{${node}}`]: '1x5 0x9 1x9', 'up{job="other",instance="a"}': '0x20' },
    at: 15,
  },
  KubeMacvtapRestarting: {
    fires: { [`process_start_time_seconds{${node}}`]: '0 0 60 60 120 180 240 240' },
    labels: ofNode,
    silent: { [`process_start_time_seconds{${node}}`]: '0 0 60 60 120 180 180 180' },
    at: 7,
  },
  KubeMacvtapEventLoopBlocked: {
    fires: { [lag]: '1.5x20' },
    labels: ofNode,
    silent: { [lag]: '1.5x9 0.2 1.5x9' },
    at: 16,
  },
  KubeMacvtapCacheStale: {
    fires: { [age]: '10 60+60x15' },
    labels: { ...ofWebhook, kind: 'Node' },
    // A bookmark comes about every minute.
    silent: { [age]: '10 70 10 70 10 70 10 70 10 70 10 70 10 70 10 70' },
    at: 12,
  },
  KubeMacvtapObjectsFaulty: {
    fires: { [`kube_macvtap_cache_faults{${webhook}}`]: '1x40' },
    labels: ofWebhook,
    silent: { [`kube_macvtap_cache_faults{${webhook}}`]: '1x25 0x15' },
    at: 35,
  },
  KubeMacvtapReviewBug: {
    fires: { [`kube_macvtap_webhook_recovered_bugs_total{${webhook},kind="Pod",verb="mutate"}`]: '0x5 1x5' },
    labels: { ...ofWebhook, ...pod },
    silent: { [`kube_macvtap_webhook_recovered_bugs_total{${webhook},kind="Pod",verb="mutate"}`]: '1x10' },
    at: 6,
  },
  KubeMacvtapReviewsErrored: {
    fires: { [reviews('errored')]: '0+1x30', [reviews('denied')]: '0+9x30' },
    labels: pod,
    silent: { [reviews('errored')]: '0x30', [reviews('denied')]: '0+9x30' },
    at: 25,
  },
  KubeMacvtapReviewsSlow: {
    fires: { [reviewsBelow('1')]: '0+90x30', [reviewsBelow('2.5')]: '0+100x30', [reviewsBelow('+Inf')]: '0+100x30' },
    labels: pod,
    silent: {
      [reviewsBelow('1')]: '0+995x30',
      [reviewsBelow('2.5')]: '0+1000x30',
      [reviewsBelow('+Inf')]: '0+1000x30',
    },
    at: 25,
  },
  KubeMacvtapCertificateNotRenewed: {
    // Valid for 100,000 s; promtool's clock begins at 0.
    fires: { [start]: '-92000x30', [expiry]: '8000x30' },
    labels: ofWebhook,
    // The validity of the webhook's certificate begins one lifetime before it is made. A third of a lifetime is left
    // when it is due for renewal (certs/). Without a certificate, there is nothing to renew.
    silent: {
      [start]: `${dueSeconds + renewBeforeMs / 1_000 - (2 * lifetimeMs) / 1_000}x30`,
      [expiry]: `${dueSeconds + renewBeforeMs / 1_000}x30`,
      [none]: 'NaN '.repeat(30),
    },
    at: 15,
  },
  KubeMacvtapCertificateFaulty: {
    fires: { [certificateFaults]: '1x40' },
    labels: ofWebhook,
    // The API server was unreachable for a while.
    silent: { [certificateFaults]: '0x5 1x25 0x5' },
    at: 35,
  },
  KubeMacvtapNodeStateLeftOut: {
    fires: { [leftOut]: '1x20' },
    labels: ofWebhook,
    silent: { [leftOut]: '0x5 1x5 0x10' },
    at: 15,
  },
  KubeMacvtapNoLeaseHolder: {
    fires: { [`kube_macvtap_webhook_lease_held{${webhook}}`]: '0x20' },
    labels: { job: 'kube-macvtap-webhook' },
    silent: {
      [`kube_macvtap_webhook_lease_held{${webhook}}`]: '0x20',
      'kube_macvtap_webhook_lease_held{job="kube-macvtap-webhook",instance="10.0.0.9:9443"}': '1x20',
    },
    at: 15,
  },
  KubeMacvtapPolicyStatusNotWritten: {
    // A refused write of a status is repeated at least every 45 seconds, even if other statuses are written.
    fires: { [statuses('failed')]: '0+1x40', [statuses('written')]: '0+3x40' },
    labels: { job: 'kube-macvtap-webhook' },
    // The API server was unreachable for some minutes.
    silent: { [statuses('failed')]: '0+0x10 0+9x3 27x30', [statuses('written')]: '0x40' },
    at: 30,
  },
  KubeMacvtapEventsDropped: {
    fires: { [events('dropped')]: '0x5 3x15', [events('written')]: '0+1x20' },
    labels: { job: 'kube-macvtap-nodeplugin' },
    // An event that is retried is not lost.
    silent: { [events('dropped')]: '3x20', [events('failed')]: '0+5x20', [events('written')]: '0+1x20' },
    at: 10,
  },
  KubeMacvtapPodsNotInjected: {
    fires: { [`kube_macvtap_node_pods_not_injected_total{${node}}`]: '0x5 2x15' },
    labels: ofNode,
    // The pods were created hours ago.
    silent: { [`kube_macvtap_node_pods_not_injected_total{${node}}`]: '2x20' },
    at: 10,
  },
  KubeMacvtapNoPlan: {
    fires: { [`kube_macvtap_node_plan_in_force{${node}}`]: '0x20' },
    labels: ofNode,
    silent: { [`kube_macvtap_node_plan_in_force{${node}}`]: '0x5 1x15' },
    at: 12,
  },
  KubeMacvtapResourceUnregistered: {
    fires: { [`kube_macvtap_node_resource_registered{${node},resource="net"}`]: '0x20' },
    labels: { ...ofNode, resource: 'net' },
    // A kubelet that is being updated.
    silent: { [`kube_macvtap_node_resource_registered{${node},resource="net"}`]: '1x5 0x8 1x7' },
    at: 15,
  },
  KubeMacvtapPolicyConflict: {
    fires: { [findings('ResourceNameTaken')]: '2x40' },
    labels: { ...ofNode, code: 'ResourceNameTaken' },
    // An entry that matches no interface is normal.
    silent: { [findings('NothingFound')]: '2x40' },
    at: 35,
  },
  KubeMacvtapDevicesLost: {
    fires: { [devices('Unhealthy', 'held')]: '0x3 1x7', [devices('Healthy', 'held')]: '1x10' },
    labels: { instance, resource: 'net' },
    silent: { [devices('Unhealthy', 'free')]: '9x10', [devices('Healthy', 'held')]: '1x10' },
    at: 8,
  },
  KubeMacvtapDevicesUnhealthy: {
    fires: { [devices('Unhealthy', 'free')]: '3x20' },
    labels: { instance, resource: 'net' },
    silent: { [devices('Unhealthy', 'free')]: '3x10 0x10', [devices('Unhealthy', 'held')]: '1x20' },
    at: 18,
  },
  KubeMacvtapDevicesExhausted: {
    fires: { [devices('Healthy', 'free')]: '0x40', [devices('Healthy', 'held')]: '5x40' },
    labels: { instance, resource: 'net' },
    // A resource without devices cannot run out of them.
    silent: { [devices('Healthy', 'free')]: '0x40', [devices('Healthy', 'held')]: '0x40' },
    at: 35,
  },
  KubeMacvtapAllocateFailing: {
    fires: { [calls('failed')]: '0x5 1x5', [calls('succeeded')]: '0+9x10' },
    labels: { instance, method: 'Allocate' },
    silent: { [calls('failed')]: '1x10', [calls('succeeded')]: '0+9x10' },
    at: 7,
  },
  KubeMacvtapCNIFailing: {
    fires: { [requests('ADD', 'failed')]: '0+1x30' },
    labels: { instance, command: 'ADD' },
    // One or two failures, and failures of other commands.
    silent: { [requests('ADD', 'failed')]: '0x5 1x5 2x20', [requests('other', 'failed')]: '0+5x30' },
    at: 20,
  },
  KubeMacvtapLedgerNotWritten: {
    fires: { [writes('ledger', 'failed')]: '0x5 1x5' },
    labels: { ...ofNode, outcome: 'failed' },
    silent: { [writes('ledger', 'failed')]: '0x10', [writes('ledger', 'written')]: '0+1x10' },
    at: 7,
  },
  KubeMacvtapStateNotWritten: {
    fires: { [writes('state', 'failed')]: '0+1x40', [writes('state', 'written')]: '3x40' },
    labels: { ...ofNode, outcome: 'failed' },
    silent: { [writes('state', 'failed')]: '0+1x40', [writes('state', 'written')]: '0x9 1x9 2x9 3x9' },
    at: 35,
  },
  KubeMacvtapKubeletSilent: {
    fires: { [answers('failed')]: '0+1x30', [answers('complete')]: '7x30' },
    labels: { ...ofNode, outcome: 'failed' },
    silent: { [answers('failed')]: '0+1x30', [answers('incomplete')]: '0+1x30' },
    at: 25,
  },
  KubeMacvtapNetlinkFailing: {
    fires: { [netlink('NetlinkLost')]: '0+1x30' },
    labels: { instance, code: 'NetlinkLost' },
    // A user error, which is reported to the user.
    silent: { [netlink('MACAddressTaken')]: '0+1x30' },
    at: 25,
  },
};
