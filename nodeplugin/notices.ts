// SPDX-License-Identifier: Apache-2.0
import type { Source } from '../cluster/source.ts';
import type { NodePlan } from '../policy/plan/node-plan.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { formatAddress, type ListenAddress } from '../runtime/listen-address.ts';
import { type Log, roundMs } from '../runtime/log.ts';
import { type InstallShimOptions, installShim, keptName } from './cni/install-shim.ts';
import type { AnsweredRequest } from './cni/observe-request.ts';
import type { KubeletEvent } from './deviceplugin/kubelet-watch.ts';
import { type DeviceCall, deviceMethods } from './deviceplugin/observe-calls.ts';
import type { ResourcePluginState } from './deviceplugin/resource-plugin.ts';
import type { MacvtapSupport } from './links/watch-macvtap-support.ts';
import { logPlan } from './reconcile/log-plan.ts';
import type { WorkRecorder } from './record-work.ts';

/** What the node plugin tells of itself: one line for each decision, with its object and cause; and counts what recurs. */
export function createNotices(log: Log, count: WorkRecorder) {
  return {
    health: (address: ListenAddress) => log.info({ address: formatAddress(address) }, 'health and metrics are served'),
    ledger: (error: MacvtapError) => log.warn({ error }, 'the ledger is not as it should be'),
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
      log.info({ orphan }, 'removed what nobody used any more');
    },
    attachment: (error: MacvtapError) => log.warn({ error }, 'a pod may not be attached or detached as it should be'),
    restored: (devices: readonly string[]) => log.info({ devices }, 'what the ledger had lost is known again'),
    forgotten(devices: readonly string[]) {
      count.lostAttachments(devices.length);
      log.info({ devices }, 'taken out of pods that are gone without a DEL');
    },
    /** By GC: the runtime names all attachments of a network that it knows. */
    unnamed: (network: string, devices: readonly string[]) =>
      log.info({ network, devices }, 'taken out of pods that the container runtime no longer knows'),
    /** Not fatal: pods that run already live on, and whoever restarts this in a loop helps nobody. */
    async shim(options: InstallShimOptions): Promise<MacvtapError | undefined> {
      try {
        const outcome = await installShim(options);
        const { directory } = options;
        if (outcome === 'replaced')
          log.warn({ directory, kept: keptName }, 'another CNI plugin of this name was there');
        else log.info({ directory, outcome }, 'the CNI plugin is in its place');
        return undefined;
      } catch (thrown) {
        const error = MacvtapError.from(thrown);
        log.error({ error }, 'no pod can be attached');
        return error;
      }
    },
    plan: (plan: NodePlan, cause: 'edit' | 'links') => logPlan(plan, cause, log),
    ending: ({ reason }: AbortSignal) => log.info({ signal: String(reason) }, 'ending; allocated links stay'),
    /** Of the calls that `answeredCall` does not hear of. */
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
    answeredRequest(request: AnsweredRequest) {
      count.cniRequest(request);
      const { durationMs, failure, ...facts } = request;
      const fields = { ...facts, durationMs: roundMs(durationMs) };
      if (failure !== undefined) log.warn({ ...fields, error: failure.error }, 'the CNI plugin failed');
      else if (facts.command === 'ADD') log.info(fields, 'pod attached');
      else if (facts.command === 'DEL') log.info(fields, 'pod detached');
      else log.debug(fields, 'the CNI plugin was answered');
    },
    nodeState(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, "the node's state is written");
      else log.warn({ error }, "the node's state is not written; it is tried again");
    },
    waiting(node: string, reason: string | undefined) {
      if (reason === undefined) log.info({ node }, 'a plan can be made again');
      else log.warn({ node, reason }, 'no plan can be made; what is served stays');
    },
    staleSockets(sockets: readonly string[]) {
      if (sockets.length > 0) log.info({ sockets }, 'removed sockets that a killed process left');
    },
    kubelet(event: KubeletEvent) {
      if (event.type === 'there') log.info({}, 'kubelet is there');
      else log.warn({ error: event.error }, 'kubelet is away; it is waited for');
    },
    resourceState(resource: string, { phase, lastError }: ResourcePluginState) {
      if (phase === 'waiting') log.warn({ resource, error: lastError }, 'resource waits for kubelet');
      else log.info({ resource }, 'resource registered');
    },
    /** Not fatal: the process would only restart again and again, and the operator would have none to ask. */
    macvtapSupport(support: MacvtapSupport): Disposable {
      if (!support.isThere)
        log.error({}, 'the kernel has no macvtap: every Allocate fails; load the module macvtap or change the kernel');
      return support.onChange(() => log.info({}, 'the kernel has macvtap now'));
    },
    /** Each fault once, for as long as it stays, and its end. */
    sourceFaults(source: Source): Disposable {
      let told = new Set<string>();
      const tell = () => {
        const faults = new Map(source.faults.map((fault) => [`${fault.where}: ${fault.message}`, fault]));
        for (const [text, { where, message, isOutage }] of faults) {
          if (told.has(text)) continue;
          log.warn(
            { where, fault: message },
            isOutage
              ? 'the source is out of reach; what was read stays in force'
              : 'not taken in as it is; a last good version stays in force, and a policy without one exposes nothing',
          );
        }
        for (const text of told) if (!faults.has(text)) log.info({ fault: text }, 'mended');
        told = new Set(faults.keys());
      };
      tell();
      return source.onChange(tell);
    },
  };
}
