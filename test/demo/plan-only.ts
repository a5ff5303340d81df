// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSnapshot } from '../../cli/plan/plan-snapshot.ts';
import { renderPlans } from '../../cli/plan/render-plan.ts';
import { openManifestsView } from '../../cli/view/open-view.ts';
import { openLinks } from '../../nodeplugin/links/links.ts';
import { probeMacvtap } from '../../nodeplugin/links/open-node-links.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { type PolicyForm, writeNodes, writePolicy } from './stage.ts';

/** Returns the reason why this machine cannot show real links, or undefined if it can. */
export async function whyNoLinks(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `macvtap needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'real links need root';
  const missing = Object.entries(tools).find(([tool]) => !isOnPath(tool));
  if (missing !== undefined) return `the command ${missing[0]} is missing; install ${missing[1]}`;
  try {
    await using links = await openLinks();
    if (!(await probeMacvtap(links))) return 'this kernel has no macvtap (module macvtap)';
    await using _namespace = await makeNetworkNamespace();
    return undefined;
  } catch (thrown) {
    return `this machine refuses: ${MacvtapError.from(thrown).message}`;
  }
}

/** Programs that the demo runs in addition to Node.js, with their Debian packages. */
const tools = { ip: 'iproute2', setpriv: 'util-linux' } as const;

function isOnPath(tool: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, tool)));
}

/** Shows the same policies without links: what each host would expose. */
export async function showPlanOnly(reason: string, print: (text: string) => void): Promise<void> {
  print(`No real links here: ${reason}. The demo shows only the plan.`);
  const forms: readonly PolicyForm[] = ['node-centric', 'resource-centric'];
  for (const form of forms) {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-plan-'));
    await writeNodes(folder.path, 'with states');
    await writePolicy(folder.path, form);
    await using view = await openManifestsView(folder.path, 'macvtap-cni');
    const exposure = { linkKinds: ['device', 'bond'], exclude: [] };
    print(`\n${form}:\n${renderPlans(planSnapshot(view, exposure, undefined).plans, 'table')}`);
  }
}
