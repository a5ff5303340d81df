// SPDX-License-Identifier: Apache-2.0
import { readExposure } from '../cluster/cluster-flags.ts';
import { openSource, recordSource } from '../cluster/open-source.ts';
import { openEventRecorder } from '../cluster/report/events/event-recorder.ts';
import { countEvents } from '../cluster/report/events/event-writer.ts';
import packageFile from '../package.json' with { type: 'json' };
import { untilAborted } from '../runtime/abort-signals.ts';
import { createKeyedMutex } from '../runtime/locks.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics, recordProcess } from '../runtime/metrics.ts';
import { createActivityLog } from './activity-log.ts';
import { createNamespaceLabels, openAdmission } from './admission/open-admission.ts';
import { createDeviceHolders } from './cni/device-claim.ts';
import { openAttachments } from './cni/open-attachments.ts';
import type { NodePluginConfig } from './config.ts';
import { createEvents } from './create-events.ts';
import { openDra } from './dra/open-dra.ts';
import { Ledger } from './ledger/ledger.ts';
import { openNodeLinks } from './links/open-node-links.ts';
import { collectOrphans, watchStranded } from './reconcile/collect-orphans.ts';
import { followKubelet, viewServed } from './reconcile/follow-kubelet.ts';
import { createPlanStore, followPlan, planNow } from './reconcile/follow-plan.ts';
import { reportState } from './reconcile/report-state.ts';
import { createReconciler, createResourcePlugins } from './reconcile/resource-plugins.ts';
import type { ParentLookup } from './reconcile/served-resource.ts';
import { watchAttachedLinks } from './reconcile/watch-attached-links.ts';
import { serveHealth } from './serve-health.ts';
import { manageVlans } from './vlans/manage-vlans.ts';
import { createWorkRecorder } from './work-metrics.ts';

/**
 * Runs the node plugin until the signal aborts. It follows the node's interfaces and the cluster's objects, and serves
 * the resulting resources to kubelet. Allocated links remain after the node plugin has ended, because they belong to
 * pods. This function only starts and connects the components. They end in reverse order.
 */
export async function runNodePlugin(config: NodePluginConfig, log: Log, signal: AbortSignal): Promise<void> {
  const nodeName = config['node-name'];
  const exposure = readExposure(config);
  const metrics = createMetrics();
  using _process = recordProcess(metrics, { component: 'nodeplugin', version: packageFile.version });
  const count = createWorkRecorder(metrics);
  const activity = createActivityLog(log, count);

  const onLedger = { onWarning: activity.ledger, onWrite: count.ledgerWrite };
  await using ledger = await Ledger.open({ directory: config['state-dir'], nodeName, ...onLedger });
  await using node = await openNodeLinks({
    signal,
    onSupport: activity.macvtapSupport,
    onError: count.netlinkError,
    onUnread: activity.interfaces,
  });
  const { links, tapLinks, interfaces, support, findInterface } = node;
  const parents: ParentLookup = {
    find: (name) => findInterface(name)?.ifindex,
    nameOf: (ifindex) => interfaces.current.find((nic) => nic.ifindex === ifindex)?.name,
    vlanFault: (name) => vlans.faultOf(name),
  };

  await using source = await openSource(config, { node: nodeName });
  using _faults = activity.sourceFaults(source);
  recordSource(metrics, () => source);
  const eventSource = { component: 'kube-macvtap-nodeplugin', instance: nodeName };
  await using recorder = openEventRecorder(source.origin, eventSource, log, countEvents(metrics));
  const events = createEvents({ nodeName, recorder, ledger, parents });

  const lock = createKeyedMutex();
  await using attachedLinks = watchAttachedLinks({
    lookMs: config['held-refresh'],
    ledger,
    links,
    lock,
    onDamage: (began) => {
      for (const { linkDamage } of [activity, events]) linkDamage(began);
    },
    onError: activity.attachment,
  });
  await using kubelet = await followKubelet({
    directory: config['kubelet-dir'],
    ledger,
    isLinkLost: attachedLinks.isLost,
    refreshMs: config['held-refresh'],
    kubeletSettleMs: config['kubelet-settle'],
    onEvent: activity.kubelet,
    onStaleSockets: activity.staleSockets,
    onAnswer: count.podResources,
  });
  const { held, isHeldKnown } = kubelet;
  events.macvtapSupport(support.isThere);

  const plan = createPlanStore();
  await using vlans = manageVlans({
    links,
    interfaces,
    plan,
    held,
    ledger,
    isHeldKnown,
    graceMs: config['orphan-grace'],
    onEvent: activity.vlan,
    onChange: () => onHeld(),
  });
  const holders = createDeviceHolders(kubelet.answers, held);
  const labels = createNamespaceLabels({ lookup: source.lookups.namespace, now: () => performance.now() });
  const admission = openAdmission({ source, plan, labels, ledger, holders, lock });
  const context = { nodeName, ledger, links: tapLinks, findInterface, admission, lock, onStep: count.allocateStep };
  await using resources = createResourcePlugins({
    context,
    lock,
    kubelet: kubelet.kubelet,
    held,
    // Kubelet and the container runtime wait for the answer, so it is sent before its log line is written.
    onCall: (...call) => void setImmediate(() => activity.answeredCall(...call)),
    onRegistration: count.registration,
    onState: (...news) => {
      for (const { resourceState } of [activity, events]) resourceState(...news);
      state.look();
    },
    onFailure: (...failure) => {
      for (const { failedCall } of [activity, events]) failedCall(...failure);
    },
  });

  await using dra = await openDra({
    config,
    source,
    context,
    ledger,
    held,
    onChange: () => {
      reconciler.onAllocation();
      state.look();
    },
    onHeld: () => onHeld(),
    ...activity.dra,
  });
  const served = viewServed(resources, dra, () => reconciler);
  const stranded = watchStranded({
    graceMs: config['orphan-grace'],
    ledger,
    held,
    isHeldKnown,
    onChange: (began, ended) => {
      activity.stranded(began, ended);
      events.stranded(began);
    },
  });
  const address = config['metrics-listen'];
  await using health = await serveHealth({ address, metrics, resources: served, held, stranded, plan, signal });
  if (health !== undefined) activity.health(health.address);
  await using state = reportState({
    nodeName,
    source,
    interfaces,
    exposure,
    resources: served,
    dra,
    held,
    stranded,
    attachedLinks,
    parents,
    support,
    vlans,
    namespace: config.namespace,
    onState: activity.nodeState,
    onExplicit: events.explicitConfiguration,
    onWrite: count.stateWrite,
  });
  using _supported = support.onChange(state.look);
  const reconciler = createReconciler({ resources, dra, held, parents, onServed: events.served });
  const onHeld = () => {
    reconciler.onHeld();
    state.look();
    vlans.look();
  };
  await using _orphans = collectOrphans({
    graceMs: config['orphan-grace'],
    links,
    ledger,
    held,
    isHeldKnown,
    lock,
    onCollected: activity.collected,
    onError: activity.orphans,
    onLook: () => {
      stranded.look();
      onHeld();
    },
  });
  using _held = kubelet.answers.onChange(onHeld);
  using _links = attachedLinks.onChange(onHeld);

  await using _attachments = await openAttachments({
    config,
    ledger,
    node,
    lock,
    kubelet,
    resources: served,
    plan,
    source,
    admission,
    holders,
    install: activity.shim,
    onShim: events.shim,
    onTrouble: activity.attachment,
    onStep: count.cniStep,
    onAnswered: (request) =>
      void setImmediate(() => {
        for (const { answeredRequest } of [activity, events]) answeredRequest(request);
      }),
    ...activity.attachments,
  });

  await interfaces.settled(config.settle, signal).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown;
  });
  // VLANs are created before resources are registered. After a registration, kubelet admits existing pods again and
  // rejects pods with an Unhealthy device.
  const first = planNow({ nodeName, source, interfaces, exposure });
  if (first !== undefined) await vlans.prepare(first);
  using _plan = followPlan({
    nodeName,
    source,
    interfaces,
    exposure,
    onPlan: (next, cause) => {
      plan.made(next);
      activity.plan(next, cause);
      reconciler.onPlan(next, cause);
      state.onPlan(next, cause);
      vlans.look();
    },
    onWaiting: (reason) => {
      plan.setInForce(reason === undefined);
      activity.waiting(nodeName, reason);
      if (reason !== undefined) reconciler.onWaiting();
      // While no plan could be made, the Node object may have been recreated. The state must belong to the new object.
      if (reason === undefined) state.refresh();
    },
  });
  // This listener runs after the plan was updated. It is needed for a parent that was recreated under the same name:
  // the plan does not change, but the held devices no longer work.
  using _parents = interfaces.onChange(onHeld);
  using _lost = interfaces.onChange(events.interfaces);
  events.interfaces();
  await untilAborted(signal);
  activity.ending(signal);
}
