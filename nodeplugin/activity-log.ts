// SPDX-License-Identifier: Apache-2.0
import type { Source } from '../cluster/source.ts';
import type { NodePlan } from '../policy/plan/node-plan.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { formatAddress, type ListenAddress } from '../runtime/listen-address.ts';
import { type Log, roundMs } from '../runtime/log.ts';
import type { AnsweredRequest } from './cni/answered-request.ts';
import type { AttachedDevice } from './cni/attachments.ts';
import { type InstallShimOptions, installShim, replacedName } from './cni/shim/install-shim.ts';
import type { KubeletEvent } from './deviceplugin/kubelet-watch.ts';
import { type DeviceCall, deviceMethods } from './deviceplugin/resource-handlers.ts';
import type { ResourcePluginState } from './deviceplugin/resource-plugin.ts';
import type { AnsweredClaim } from './dra/driver-services.ts';
import type { MacvtapSupport } from './links/open-node-links.ts';
import { logPlan } from './reconcile/follow-plan.ts';
import type { LinkDamage } from './reconcile/watch-attached-links.ts';
import type { VlanEvent } from './vlans/manage-vlans.ts';
import type { WorkRecorder } from './work-metrics.ts';

/**
 * Creates the node plugin's log. Each decision is one line with its object and its cause. Frequent decisions are also
 * counted in metrics.
 */
export function createActivityLog(log: Log, count: WorkRecorder) {
  return {
    health: (address: ListenAddress) => log.info({ address: formatAddress(address) }, 'health and metrics are served'),
    ledger: (error: MacvtapError) => log.warn({ error }, 'problem with the ledger'),
    interfaces(error: MacvtapError) {
      count.netlinkError(error);
      log.warn({ error }, 'interfaces could not be read');
    },
    orphans(error: MacvtapError) {
      count.orphan('failed');
      log.warn({ error }, 'an orphan could not be removed');
    },
    collected(orphan: string) {
      count.orphan('removed');
      log.info({ orphan }, 'orphan removed');
    },
    vlan(event: VlanEvent) {
      const { kind, name: vlan } = event;
      if (kind !== 'adopted') count.vlan(kind);
      if (kind === 'failed')
        log.warn(
          { vlan, error: event.error },
          'a VLAN could not be created, changed or removed; the node plugin tries again',
        );
      else if (kind === 'adopted')
        log.info({ vlan }, 'a VLAN that an administrator created is used; the node plugin never changes it');
      else log.info({ vlan }, kind === 'created' ? 'VLAN created' : 'unused VLAN removed');
    },
    attachment: (error: MacvtapError) => log.warn({ error }, 'problem with an attachment'),
    /**
     * Logs devices that kubelet has released although their link is still in a sandbox. The link is not removed,
     * because a process in the sandbox may still use it.
     */
    stranded(began: readonly AttachedDevice[], ended: readonly AttachedDevice[]) {
      for (const { id, record } of began) {
        const { containerID, ifname, netnsPath } = record.attachment;
        const fields = { device: id, pod: record.pod, containerID, ifname, netns: netnsPath };
        log.warn(fields, 'kubelet released a device whose link is still in a sandbox; end that sandbox');
      }
      for (const { id } of ended) log.info({ device: id }, 'a released device is no longer in a sandbox');
    },
    /** Logs links that were deleted in their sandbox, or whose MTU was lowered. Only a new sandbox repairs them. */
    linkDamage({ lost, lowered }: LinkDamage) {
      for (const { id, record } of lost) {
        const { containerID, ifname } = record.attachment;
        const fields = { device: id, pod: record.pod, containerID, ifname, parent: record.parent };
        log.warn(fields, 'a link in a sandbox was deleted; delete its pod to attach it again');
      }
      for (const { id, record, mtu } of lowered) {
        const { ifname, mtu: before } = record.attachment;
        const fields = { device: id, pod: record.pod, ifname, parent: record.parent, mtu, before };
        log.warn(fields, "the MTU of a link in a sandbox was lowered; raise the parent's MTU, then delete the pod");
      }
    },
    /** The callbacks of attachments. */
    attachments: {
      onArrived: (device: string) => log.info({ device }, 'a migrated guest arrived; its link is in mode bridge'),
      onMoved: ({ id, record }: AttachedDevice, target: string) =>
        log.info({ device: id, pod: record.pod, target }, 'a guest migrated away; its link was removed'),
      /** Logs the devices that GC detached because the runtime did not list their attachments. */
      onCollected: (network: string, devices: readonly string[]) =>
        log.info({ network, devices }, 'detached from pods that the container runtime no longer knows'),
      onRestored: (devices: readonly string[]) => log.info({ devices }, 'devices restored to the ledger'),
      onForgotten(devices: readonly string[]) {
        count.lostAttachments(devices.length);
        log.info({ devices }, 'detached from pods that are gone without a DEL');
      },
    },
    /**
     * Installs the shim and logs the outcome. Returns an error instead of throwing it, because the node plugin must
     * keep running for the pods that are already attached.
     */
    async shim(options: InstallShimOptions): Promise<MacvtapError | undefined> {
      try {
        const outcome = await installShim(options);
        const { directory } = options;
        if (outcome === 'replaced')
          log.warn({ directory, kept: replacedName }, 'another CNI plugin of this name was replaced');
        else log.info({ directory, outcome }, 'CNI plugin is installed');
        return undefined;
      } catch (thrown) {
        const error = MacvtapError.from(thrown);
        log.error({ error }, 'no pod can be attached');
        return error;
      }
    },
    plan: (plan: NodePlan, cause: 'edit' | 'links') => logPlan(plan, cause, log),
    ending: ({ reason }: AbortSignal) => log.info({ signal: String(reason) }, 'ending; allocated links stay'),
    /** Logs failures of calls that are not passed to `answeredCall`. */
    failedCall(resource: string, method: string, error: MacvtapError) {
      if (deviceMethods.some((name) => method.endsWith(`/${name}`))) return;
      log.warn({ resource, method, error }, 'call failed');
    },
    answeredCall(resource: string, call: DeviceCall) {
      count.deviceCall(call);
      const { method, devices, durationMs, error } = call;
      const fields = { resource, devices, durationMs: roundMs(durationMs) };
      if (error !== undefined) log.warn({ ...fields, method, error }, 'call failed');
      else if (method === 'Allocate') log.info(fields, 'devices allocated');
      else log.debug(fields, 'a container may start');
    },
    /** The callbacks of the DRA driver. */
    dra: {
      onAnswer({ method, claim, devices, durationMs, error }: AnsweredClaim) {
        count.claim(method, durationMs, error);
        const fields = { method, claim, durationMs: roundMs(durationMs) };
        if (error !== undefined) log.warn({ ...fields, error }, 'a claim could not be prepared or unprepared');
        else log.info({ ...fields, devices }, devices.length > 0 ? 'claim prepared' : 'claim unprepared');
      },
      onRegistered: () => log.info({}, 'kubelet has registered the DRA driver'),
      onTrouble: (error: MacvtapError) => log.warn({ error }, 'problem with the DRA driver'),
      onCollected: (claims: readonly string[]) =>
        log.info({ claims }, 'unprepared claims that no longer exist or are no longer allocated'),
      onSlices(error: MacvtapError | undefined) {
        count.sliceWrite(error === undefined ? 'written' : 'failed');
        if (error === undefined) log.info({}, 'ResourceSlices written');
        else log.warn({ error }, 'the ResourceSlices are not written; it is tried again');
      },
    },
    answeredRequest(request: AnsweredRequest) {
      count.cniRequest(request);
      const { durationMs, failure, ...facts } = request;
      const fields = { ...facts, durationMs: roundMs(durationMs) };
      if (failure !== undefined) log.warn({ ...fields, error: failure.error }, 'CNI request failed');
      else if (facts.command === 'ADD') log.info(fields, 'pod attached');
      else if (facts.command === 'DEL') log.info(fields, 'pod detached');
      else log.debug(fields, 'CNI request answered');
    },
    nodeState(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, 'node state written');
      else log.warn({ error }, "the node's state is not written; it is tried again");
    },
    waiting(node: string, reason: string | undefined) {
      if (reason === undefined) log.info({ node }, 'planning again');
      else log.warn({ node, reason }, 'no plan can be made; served resources stay');
    },
    staleSockets(sockets: readonly string[]) {
      if (sockets.length > 0) log.info({ sockets }, 'removed sockets of a killed process');
    },
    kubelet(event: KubeletEvent) {
      if (event.type === 'there') log.info({}, 'kubelet found');
      else log.warn({ error: event.error }, 'kubelet is away; waiting for it');
    },
    resourceState(resource: string, { phase, lastError }: ResourcePluginState) {
      if (phase === 'waiting') log.warn({ resource, error: lastError }, 'resource waits for kubelet');
      else log.info({ resource }, 'resource registered');
    },
    /**
     * Logs an error if the kernel has no macvtap, and logs when macvtap becomes available. The process keeps running
     * without macvtap, so that its logs and metrics stay available. If it exited, kubelet would restart it repeatedly.
     */
    macvtapSupport(support: MacvtapSupport): Disposable {
      if (!support.isThere)
        log.error({}, 'the kernel has no macvtap: every Allocate fails; load the module macvtap or change the kernel');
      return support.onChange(() => log.info({}, 'the kernel has macvtap now'));
    },
    /** Logs each error of the source once when it begins, and once when it ends. */
    sourceFaults(source: Source): Disposable {
      let reported = new Set<string>();
      const report = () => {
        const faults = new Map(source.faults.map((fault) => [`${fault.where}: ${fault.message}`, fault]));
        for (const [text, { where, message, isOutage }] of faults) {
          if (reported.has(text)) continue;
          log.warn(
            { where, fault: message },
            isOutage
              ? 'the source is out of reach; the last data stays in force'
              : 'an invalid object is ignored; its last valid version stays in force, and a policy without one exposes nothing',
          );
        }
        for (const text of reported) if (!faults.has(text)) log.info({ fault: text }, 'problem of the source resolved');
        reported = new Set(faults.keys());
      };
      report();
      return source.onChange(report);
    },
  };
}
