// SPDX-License-Identifier: Apache-2.0
import { openSource } from '../cluster/open-source.ts';
import { recordSource } from '../cluster/record-source.ts';
import { countEvents } from '../cluster/report/events/count-events.ts';
import { openEventRecorder } from '../cluster/report/events/open-recorder.ts';
import { readExposure } from '../cluster/wanted.ts';
import packageFile from '../package.json' with { type: 'json' };
import { createKeyedLock } from '../runtime/keyed-lock.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { recordProcess } from '../runtime/record-process.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import { openAttachments } from './cni/open-attachments.ts';
import type { NodePluginConfig } from './config.ts';
import { createEvents } from './events/create-events.ts';
import { Ledger } from './ledger/ledger.ts';
import { openNodeLinks } from './links/open-node-links.ts';
import { readTapNode } from './links/tap-node.ts';
import { createNotices } from './notices.ts';
import { collectOrphans } from './reconcile/collect-orphans.ts';
import { followKubelet } from './reconcile/follow-kubelet.ts';
import { followPlan } from './reconcile/follow-plan.ts';
import { keepPlan } from './reconcile/keep-plan.ts';
import { createReconciler } from './reconcile/reconciler.ts';
import { reportState } from './reconcile/report-state.ts';
import { serveResources } from './reconcile/serve-resources.ts';
import type { ParentLookup } from './reconcile/served-resource.ts';
import { recordWork } from './record-work.ts';
import { serveHealth } from './serve-health.ts';

/**
 * Runs the node plugin until the signal ends it: the node's facts and the source are followed, and what they say is
 * served to kubelet. Links that were allocated stay: they belong to pods. Here the parts are made and told of one another,
 * and end in the opposite order; what each of them does is its own.
 */
export async function runNodePlugin(config: NodePluginConfig, log: Log, signal: AbortSignal): Promise<void> {
  const nodeName = config['node-name'];
  const exposure = readExposure(config);
  const metrics = createMetrics();
  using _process = recordProcess(metrics, { component: 'nodeplugin', version: packageFile.version });
  const count = recordWork(metrics);
  const tell = createNotices(log, count);

  const onLedger = { onWarning: tell.ledger, onWrite: count.ledgerWrite };
  await using ledger = await Ledger.open({ directory: config['state-dir'], nodeName, ...onLedger });
  await using node = await openNodeLinks({
    signal,
    onSupport: tell.macvtapSupport,
    onError: count.netlinkError,
    onUnread: tell.interfaces,
  });
  const { links, interfaces, support, findInterface } = node;
  const parents: ParentLookup = {
    find: (name) => findInterface(name)?.ifindex,
    has: (ifindex) => interfaces.current.some((nic) => nic.ifindex === ifindex),
  };

  await using source = await openSource(config, { node: nodeName });
  using _faults = tell.sourceFaults(source);
  recordSource(metrics, () => source);
  const eventSource = { component: 'kube-macvtap-nodeplugin', instance: nodeName };
  await using recorder = openEventRecorder(source.origin, eventSource, log, countEvents(metrics));
  const events = createEvents({ nodeName, recorder, ledger, parents });

  await using kubelet = await followKubelet({
    directory: config['kubelet-dir'],
    ledger,
    refreshMs: config['held-refresh'],
    kubeletSettleMs: config['kubelet-settle'],
    onEvent: tell.kubelet,
    onStaleSockets: tell.staleSockets,
    onAnswer: count.podResources,
  });
  const { held, isHeldKnown } = kubelet;
  events.macvtapSupport(support.isThere);

  const lock = createKeyedLock();
  await using resources = serveResources({
    context: { nodeName, ledger, links: { ...links, readTapNode }, findInterface, onStep: count.allocateStep },
    lock,
    kubelet: kubelet.kubelet,
    held,
    onCall: tell.answeredCall,
    onRegistration: count.registration,
    onState: (name, pluginState) => {
      tell.resourceState(name, pluginState);
      events.resourceState(name, pluginState);
      state.look();
    },
    onFailure: (name, method, error) => {
      tell.failedCall(name, method, error);
      events.failedCall(name, method, error);
    },
  });

  const plan = keepPlan();
  await using health = await serveHealth({ address: config['metrics-listen'], metrics, resources, held, plan, signal });
  if (health !== undefined) tell.health(health.address);
  await using state = reportState({
    nodeName,
    source,
    interfaces,
    exposure,
    resources,
    held,
    parents,
    support,
    onState: tell.nodeState,
    onWrite: count.stateWrite,
  });
  using _supported = support.onChange(state.look);
  const reconciler = createReconciler({ resources, held, parents, onServed: events.served });
  const onHeld = () => {
    reconciler.onHeld();
    state.look();
  };
  await using _orphans = collectOrphans({
    graceMs: config['orphan-grace'],
    links,
    ledger,
    held,
    isHeldKnown,
    lock,
    onCollected: tell.collected,
    onError: tell.orphans,
    onLook: onHeld,
  });
  using _held = kubelet.answers.onChange(onHeld);

  await using _attachments = await openAttachments({
    config,
    ledger,
    node,
    lock,
    kubelet,
    resources,
    plan,
    install: tell.shim,
    onShim: events.shim,
    onTrouble: tell.attachment,
    onCollected: tell.unnamed,
    onStep: count.cniStep,
    onAnswered: (request) => {
      tell.answeredRequest(request);
      events.answeredRequest(request);
    },
    onRestored: tell.restored,
    onForgotten: tell.forgotten,
  });

  await interfaces.settled(config.settle, signal).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown;
  });
  using _plan = followPlan({
    nodeName,
    source,
    interfaces,
    exposure,
    onPlan: (next, cause) => {
      plan.made(next);
      tell.plan(next, cause);
      reconciler.onPlan(next, cause);
      state.onPlan(next, cause);
    },
    onWaiting: (reason) => {
      plan.setInForce(reason === undefined);
      tell.waiting(nodeName, reason);
      if (reason !== undefined) reconciler.onWaiting();
      // A Node that was away may be another one now, which the state must belong to.
      if (reason === undefined) state.refresh();
    },
  });
  // After the plan has looked: a parent that was made anew between two looks leaves the plan as it is, and its held
  // devices are dead all the same.
  using _parents = interfaces.onChange(onHeld);
  using _lost = interfaces.onChange(events.interfaces);
  events.interfaces();
  await untilAborted(signal);
  tell.ending(signal);
}
