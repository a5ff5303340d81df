// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { openSource } from '../cluster/open-source.ts';
import { recordSource } from '../cluster/record-source.ts';
import { countEvents } from '../cluster/report/events/count-events.ts';
import { openEventRecorder } from '../cluster/report/events/open-recorder.ts';
import { readExposure } from '../cluster/wanted.ts';
import packageFile from '../package.json' with { type: 'json' };
import type { PlannedResource } from '../policy/plan/node-plan.ts';
import { resourcePrefix } from '../policy/plan/resource-name.ts';
import { startHealthServer } from '../runtime/health-server.ts';
import { createKeyedLock } from '../runtime/keyed-lock.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { recordProcess } from '../runtime/record-process.ts';
import { createDeviceHolders } from './cni/device-holders.ts';
import { serveAttachments } from './cni/serve-attachments.ts';
import { findTroubles } from './cni/status.ts';
import type { NodePluginConfig } from './config.ts';
import type { AllocateContext } from './deviceplugin/allocate-device.ts';
import { watchKubelet } from './deviceplugin/kubelet-watch.ts';
import { observeCalls } from './deviceplugin/observe-calls.ts';
import { removeStaleSockets } from './deviceplugin/remove-stale-sockets.ts';
import { createResourceHandlers } from './deviceplugin/resource-handlers.ts';
import { startResourcePlugin } from './deviceplugin/resource-plugin.ts';
import { createEvents } from './events/create-events.ts';
import { Ledger } from './ledger/ledger.ts';
import { openLinks } from './links/links.ts';
import { observeLinks } from './links/observe-links.ts';
import { readTapLinkName, readTapNode } from './links/tap-node.ts';
import { watchMacvtapSupport } from './links/watch-macvtap-support.ts';
import { createNotices } from './notices.ts';
import { watchHeldDevices } from './podresources/watch-held-devices.ts';
import { collectOrphans } from './reconcile/collect-orphans.ts';
import { followPlan } from './reconcile/follow-plan.ts';
import { createHeldTracker } from './reconcile/held-tracker.ts';
import { createReconciler } from './reconcile/reconciler.ts';
import { reportState } from './reconcile/report-state.ts';
import { allocatableOf, type ParentLookup } from './reconcile/served-resource.ts';
import { ServedResources } from './reconcile/served-resources.ts';
import { recordStanding, type Standing } from './record-standing.ts';
import { recordWork } from './record-work.ts';

/** Beside them libuv's threads, of which main.ts asks for more, have to serve files. */
const removalsAtOnce = 16;

/**
 * Runs the node plugin until the signal ends it: the node's facts and the source are followed, and what they say is
 * served to kubelet. Links that were allocated stay: they belong to pods.
 */
export async function runNodePlugin(config: NodePluginConfig, log: Log, signal: AbortSignal): Promise<void> {
  const nodeName = config['node-name'];
  const exposure = readExposure(config);
  const metrics = createMetrics();
  using _process = recordProcess(metrics, { component: 'nodeplugin', version: packageFile.version });
  const count = recordWork(metrics);
  const tell = createNotices(log, count);
  await using ledger = await Ledger.open({
    directory: config['state-dir'],
    nodeName,
    onWarning: tell.ledger,
    onWrite: count.ledgerWrite,
  });
  await using opened = await openLinks({ removalsAtOnce });
  await using support = await watchMacvtapSupport({ links: opened, signal });
  using _support = tell.macvtapSupport(support);
  const links = observeLinks(opened, count.netlinkError);
  await using interfaces = await links.watchInterfaces(tell.interfaces);
  await using source = await openSource(config, { node: nodeName });
  using _faults = tell.sourceFaults(source);
  const eventSource = { component: 'kube-macvtap-nodeplugin', instance: nodeName };
  await using recorder = openEventRecorder(source.origin, eventSource, log, countEvents(metrics));
  recordSource(metrics, () => source);

  const directory = join(config['kubelet-dir'], 'device-plugins');
  tell.staleSockets(await removeStaleSockets(directory));
  await using kubelet = await watchKubelet({ directory, onEvent: tell.kubelet });
  await using heldWatch = watchHeldDevices({
    socketPath: join(config['kubelet-dir'], 'pod-resources/kubelet.sock'),
    resourcePrefix,
    refreshMs: config['held-refresh'],
    kubeletSettleMs: config['kubelet-settle'],
    kubelet: { subscribe: (listener) => kubelet.subscribe(listener) },
    onAnswer: count.podResources,
  });
  const held = createHeldTracker({ ledger, view: () => heldWatch.current, now: () => performance.now() });

  const lock = createKeyedLock();
  const findInterface = (name: string) => interfaces.current.find((nic) => nic.name === name);
  const parents: ParentLookup = {
    find: (name) => findInterface(name)?.ifindex,
    has: (ifindex) => interfaces.current.some((nic) => nic.ifindex === ifindex),
  };
  const events = createEvents({ nodeName, recorder, ledger, parents });
  events.macvtapSupport(support.isThere);
  const context: AllocateContext = { nodeName, ledger, links: { ...links, readTapNode }, findInterface };
  await using resources = new ServedResources({
    createHandlers: (name, list, served) =>
      createResourceHandlers({
        name,
        list,
        allocatable: () => allocatableOf(served()),
        context,
        lock,
        allocating: held.allocating,
      }),
    startPlugin: (name, handlers) =>
      startResourcePlugin({
        name,
        kubelet,
        handlers: observeCalls(handlers, (call) => tell.answeredCall(name, call)),
        onRegistration: count.registration,
        onState: (pluginState) => {
          tell.resourceState(name, pluginState);
          events.resourceState(name, pluginState);
          state.look();
        },
        onFailure: (method, error) => {
          tell.failedCall(name, method, error);
          events.failedCall(name, method, error);
        },
      }),
  });
  let plan: Standing['plan'];
  let isPlanKnown = false;
  recordStanding(metrics, () => ({
    listed: resources.listed,
    held: new Set(held.current().map(({ id }) => id)),
    unregistered: resources.unregistered,
    ...(plan !== undefined && { plan }),
  }));
  const address = config['metrics-listen'];
  const missing = () => [
    ...(signal.aborted ? ['ending'] : []),
    ...(isPlanKnown ? [] : ['there is no plan yet']),
    ...resources.unregistered.map((name) => `kubelet has not taken ${resourcePrefix}${name} yet`),
  ];
  await using health = address && (await startHealthServer({ address, metrics, missing }));
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
    isHeldKnown: () => heldWatch.current?.complete === true,
    lock,
    onCollected: tell.collected,
    onError: tell.orphans,
    onLook: onHeld,
  });
  using _held = heldWatch.onChange(onHeld);
  const binDirectory = config['cni-bin-dir'];
  if (binDirectory !== undefined) {
    const shim = { binary: config['cni-shim'], directory: binDirectory, socketPath: config['cni-socket'] };
    events.shim(await tell.shim(shim));
  }
  await using _attachments = await serveAttachments({
    socketPath: config['cni-socket'],
    context: {
      nodeName,
      ledger,
      links: { ...links, readTapNode, readTapLinkName },
      lock,
      interfaces: () => interfaces.current,
      resources: () => plannedResources(resources),
      isPlanKnown: () => isPlanKnown,
      holders: createDeviceHolders(heldWatch, held),
      troubles: () => findTroubles({ links, stateDirectory: config['state-dir'], isPlanKnown: () => isPlanKnown }),
      onTrouble: tell.attachment,
      onStep: count.cniStep,
    },
    held,
    isHeldKnown: () => isPlanKnown && heldWatch.current?.complete === true,
    lookMs: config['held-refresh'],
    onFailedRequest: (operation, error, environment) => {
      tell.failedRequest(operation, error);
      events.failedRequest(operation, error, environment);
    },
    onAnswered: tell.answeredRequest,
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
      plan = { plan: next, madeMs: Date.now(), isInForce: true };
      tell.plan(next, cause);
      reconciler.onPlan(next, cause);
      state.onPlan(next);
      isPlanKnown = true;
    },
    onWaiting: (reason) => {
      if (plan !== undefined) plan = { ...plan, isInForce: reason === undefined };
      tell.waiting(nodeName, reason);
      // A Node that was away may be another one now, which the state must belong to.
      if (reason === undefined) state.refresh();
    },
  });
  // After the plan has looked: a parent that was made anew between two looks leaves the plan as it is, and its held
  // devices are dead all the same.
  using _parents = interfaces.onChange(onHeld);
  using _lost = interfaces.onChange(events.interfaces);
  events.interfaces();
  await aborted(signal);
  tell.ending(signal);
}

/** What is served and asked for, by name. */
function plannedResources({ current }: ServedResources): ReadonlyMap<string, PlannedResource> {
  return new Map([...current].flatMap(([name, { resource }]) => (resource === undefined ? [] : [[name, resource]])));
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
