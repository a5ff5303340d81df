// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { linkName } from '../../policy/device/device-id.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { ethernetFrame, frameText, openTap } from '../kernel/tap-frames.ts';
import type { RunningProcess } from '../process/start-process.ts';
import { startWebhook } from './admission.ts';
import { showAdmission } from './admission-scene.ts';
import { type Expected, type Host, nodeCentric, resourceCentric } from './hosts.ts';
import { isOffered, offerTable } from './offer-table.ts';
import { type Progress, patienceMs } from './progress.ts';
import {
  makeFolder,
  makeNetworks,
  type StagedHost,
  startKubelets,
  startNodePlugins,
  statesWritten,
  writeNodes,
  writePolicy,
} from './stage.ts';

const run = promisify(execFile);

/** The stage as the story leaves it, for a user who wants to continue. */
export interface Scene {
  readonly manifests: string;
  readonly staged: ReadonlyMap<Host, StagedHost>;
}

/**
 * Runs the whole demo once, on real links. Policies become resources, and an edit moves them. The webhook completes a
 * network and a pod, a device becomes a macvtap, and a frame is sent across. `undo` gets everything to remove. Rejects
 * if anything differs from the proposal.
 */
export async function runStory(progress: Progress, undo: AsyncDisposableStack): Promise<Scene> {
  const folder = await makeFolder(undo);
  const manifests = join(folder, 'manifests');
  const networks = await progress.step('three hosts: network namespaces h1, h2, h3 with veth links as their NICs', () =>
    makeNetworks(undo),
  );
  const staged = await progress.step("a stand-in for kubelet on each host, speaking kubelet's gRPC API", () =>
    startKubelets(folder, networks, undo),
  );
  await writeNodes(manifests, 'alone');
  await writePolicy(manifests, 'node-centric');
  const plugins = startNodePlugins(folder, staged, undo);
  await progress.step("three node plugins registered the policy's resources", () =>
    offered(staged, plugins, nodeCentric),
  );
  progress.show(offerTable(staged));

  await writePolicy(manifests, 'resource-centric');
  await progress.step('the policy file was edited to the resource-centric form; nothing was restarted', () =>
    offered(staged, plugins, resourceCentric),
  );
  progress.show(offerTable(staged));

  await progress.step("each node plugin wrote its node's state next to the manifests", () =>
    statesWritten(manifests, resourceCentric),
  );
  const admit = await progress.step('the admission webhook answers', () => startWebhook(folder, undo));
  await showAdmission(admit, manifests, progress);

  const near = await progress.step('one device of dataplane allocated on h1', () => allocate(staged, 'h1'));
  progress.show(await kernelView(near));
  const far = await progress.step('one device of dataplane allocated on h2', () => allocate(staged, 'h2'));
  const text = await progress.step(
    'an Ethernet frame from the tap on h1 arrived at the tap on h2, through both parents',
    () => sendFrame(near, far),
  );
  progress.show(`it says: ${text}`);
  return { manifests, staged };
}

/** Resolves when all kubelets have the expected resources. Rejects if a node plugin ends first. */
async function offered(
  staged: ReadonlyMap<Host, StagedHost>,
  plugins: readonly RunningProcess[],
  expected: Expected,
): Promise<void> {
  const ended = plugins.map((plugin) =>
    plugin.exit.then(() => Promise.reject(new Error(`a node plugin ended:\n${plugin.output}`))),
  );
  const all = Promise.all(
    [...staged].map(([host, { kubelet }]) => kubelet.waitFor(() => isOffered(kubelet, expected[host]), patienceMs)),
  );
  await Promise.race([all, ...ended]);
}

/** A device on a host, with the name of its macvtap and the path of its tap. */
interface AllocatedTap extends StagedHost {
  readonly link: string;
  readonly tap: string;
}

async function allocate(staged: ReadonlyMap<Host, StagedHost>, host: Host): Promise<AllocatedTap> {
  const stagedHost = staged.get(host);
  if (stagedHost === undefined) throw new Error(`no host ${host}`);
  const { deviceIds, response } = await stagedHost.kubelet.allocate(`${resourcePrefix}dataplane`, 1);
  const [id = ''] = deviceIds;
  const tap = response.devices?.[0]?.host_path ?? '';
  return { ...stagedHost, link: linkName(id), tap };
}

/** Returns the kernel's view of the device, read with iproute2 and ls. */
async function kernelView({ namespace, link, tap }: AllocatedTap): Promise<string> {
  const shown = await namespace.ip(`-d link show dev ${link}`);
  const node = await run('ls', ['-l', tap]);
  const wanted = shown.split('\n').map((line) => line.replace(/ (addrgenmode|promiscuity|qdisc) .*$/, '').trimEnd());
  return [...wanted.filter((line) => line !== ''), node.stdout.trimEnd()].join('\n');
}

/**
 * Sends a frame between two taps. Allocate leaves a link down until its pod is attached, so the demo sets both links
 * up.
 */
async function sendFrame(near: AllocatedTap, far: AllocatedTap): Promise<string> {
  for (const { namespace, link } of [near, far]) await namespace.ip(`link set ${link} up`);
  await using sender = await openTap(near.tap);
  await using receiver = await openTap(far.tap);
  const text = 'hello from h1';
  await sender.send(ethernetFrame(await addressOf(far), await addressOf(near), text));
  const frame = await receiver.receive((candidate) => frameText(candidate) === text, 5_000);
  if (frame === undefined) throw new Error(`no frame came from ${near.tap} to ${far.tap}`);
  return text;
}

async function addressOf({ namespace, link }: AllocatedTap): Promise<string> {
  const [shown] = await namespace.ipJSON<{ address: string }>(`link show dev ${link}`);
  if (shown === undefined) throw new Error(`no link ${link}`);
  return shown.address;
}
