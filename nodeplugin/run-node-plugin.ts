// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { ManifestsSource } from '../cluster/manifests/manifests-source.ts';
import type { Source } from '../cluster/source.ts';
import { readExposure } from '../cluster/wanted.ts';
import type { Log } from '../runtime/log.ts';
import type { NodePluginConfig } from './config.ts';
import type { AllocateContext } from './deviceplugin/allocate-device.ts';
import { watchKubelet } from './deviceplugin/kubelet-watch.ts';
import { removeStaleSockets } from './deviceplugin/remove-stale-sockets.ts';
import { createResourceHandlers } from './deviceplugin/resource-handlers.ts';
import { startResourcePlugin } from './deviceplugin/resource-plugin.ts';
import { type Links, openLinks } from './links/links.ts';
import { probeMacvtap } from './links/probe-macvtap.ts';
import { readTapNode } from './links/tap-node.ts';
import { decideServed } from './reconcile/decide-served.ts';
import { followPlan } from './reconcile/follow-plan.ts';
import { logPlan } from './reconcile/log-plan.ts';
import { ServedResources } from './reconcile/served-resources.ts';

/**
 * Runs the node plugin until the signal ends it: the node's facts and the source are followed, and what they say is
 * served to kubelet. Links that were allocated stay: they belong to pods.
 */
export async function runNodePlugin(config: NodePluginConfig, log: Log, signal: AbortSignal): Promise<void> {
  const nodeName = config['node-name'];
  const exposure = readExposure(config);
  await using links = await openLinks();
  await untilAborted(signal, () => warnWithoutMacvtap(links, log, signal));
  await using interfaces = await links.watchInterfaces((error) => log.warn({ error }, 'interfaces could not be read'));
  await using source = await ManifestsSource.open(config.source.directory, config.namespace);
  using _faults = logFaults(source, log);

  const directory = join(config['kubelet-dir'], 'device-plugins');
  const stale = await removeStaleSockets(directory);
  if (stale.length > 0) log.info({ sockets: stale }, 'removed sockets that a killed process left');
  await using kubelet = await watchKubelet({
    directory,
    onEvent: (event) =>
      event.type === 'there'
        ? log.info({ directory }, 'kubelet is there')
        : log.warn({ error: event.error }, 'kubelet is away; it is waited for'),
  });

  const context: AllocateContext = {
    nodeName,
    links: { ...links, readTapNode },
    findInterface: (name) => interfaces.current.find((nic) => nic.name === name),
  };
  await using resources = new ServedResources({
    createHandlers: (list, served) => createResourceHandlers(list, served, context),
    startPlugin: (name, handlers) =>
      startResourcePlugin({
        name,
        kubelet,
        handlers,
        onState: ({ phase, lastError }) =>
          phase === 'waiting'
            ? log.warn({ resource: name, error: lastError }, 'resource waits for kubelet')
            : log.info({ resource: name }, 'resource registered'),
        onFailure: (method, error) => log.warn({ resource: name, method, error }, 'call failed'),
      }),
  });

  await untilAborted(signal, () => interfaces.settled(config.settle, signal));
  if (signal.aborted) return;
  using _plan = followPlan({
    nodeName,
    source,
    interfaces,
    exposure,
    onPlan: (plan, cause) => {
      logPlan(plan, cause, log);
      resources.apply(decideServed(plan, resources.current, cause));
    },
    onWaiting: (reason) => log.warn({ node: nodeName, reason }, 'no plan can be made yet'),
  });
  await aborted(signal);
  log.info({ signal: String(signal.reason) }, 'ending; allocated links stay');
}

/** Not fatal: the node would only restart again and again, and the operator would have no process to ask. */
async function warnWithoutMacvtap(links: Links, log: Log, signal: AbortSignal): Promise<void> {
  if (await probeMacvtap(links, signal)) return;
  log.error(
    {},
    'the kernel has no macvtap: every Allocate will fail; load the module macvtap or choose another kernel',
  );
}

function logFaults(source: Source, log: Log): Disposable {
  let told = new Set<string>();
  const tell = () => {
    const faults = source.faults.map(({ where, message }) => ({ where, message, text: `${where}: ${message}` }));
    for (const { where, message, text } of faults) {
      if (!told.has(text)) log.warn({ where, fault: message }, 'not taken in; the last good state stays in force');
    }
    told = new Set(faults.map(({ text }) => text));
  };
  tell();
  return source.onChange(tell);
}

/** Waits, but ends quietly when the process is to end. */
async function untilAborted(signal: AbortSignal, wait: () => Promise<void>): Promise<void> {
  try {
    await wait();
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
