// SPDX-License-Identifier: Apache-2.0
import { choiceFlag, switchFlag } from '../../../runtime/flags.ts';
import { exitCode, signalScope } from '../../../runtime/run-command.ts';
import { createProgress } from '../../demo/progress.ts';
import { ensureKubeVirt } from '../../images/kubevirt/ensure-kubevirt.ts';
import type { RegistryFiles } from '../../release/registry-files.ts';
import { bringDown, findRemains } from '../bring-down.ts';
import { bringUp } from '../bring-up.ts';
import { claimCluster } from '../claim-cluster.ts';
import { installByHelm } from '../install/install-by-helm.ts';
import { ownImages } from '../install/own-images.ts';
import { installKubeVirt } from '../kubevirt/install-kubevirt.ts';
import { type Injector, injectors } from '../kubevirt/kubevirt-objects.ts';
import { paths } from '../layout.ts';
import { keepLogs } from '../logs.ts';
import { nodeTable } from '../node-table.ts';
import { startClusterRegistry } from '../registry/cluster-registry.ts';
import { installFromRegistry } from '../registry/install-from-registry.ts';
import { prepareRelease } from '../registry/prepare-release.ts';
import { seedNodes } from '../seed-nodes.ts';
import { useVersions, type VersionFlags, versionFlags } from '../versions.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const line = {
  command: 'npm run cluster -- up',
  summary: 'Brings a cluster up with the chart installed. It stays until npm run cluster -- down.',
  positionals: [],
  flags: {
    replace: switchFlag('remove the cluster that an earlier up created'),
    bare: switchFlag("install only Multus, without the product's images and the chart"),
    registry: switchFlag('publish a release in a registry of the cluster, and install the chart from it'),
    kubevirt: switchFlag('also install KubeVirt with its operator, for emulated virtual machines'),
    injector: choiceFlag(
      injectors,
      "with --kubevirt: the program that adds a macvtap's resource to the pod of a virtual machine",
      'webhook',
    ),
    ...versionFlags,
  },
} as const;

interface UpFlags extends VersionFlags {
  readonly replace: boolean;
  readonly bare: boolean;
  readonly registry: boolean;
  readonly kubevirt: boolean;
  readonly injector: Injector;
}

export async function runUp(argv: readonly string[]): Promise<void> {
  const up = async (flags: UpFlags) => {
    const { bare: isBare, registry: hasRegistry, kubevirt: hasKubeVirt, injector } = flags;
    if (isBare && hasRegistry) throw new Error('--registry installs the chart, which --bare leaves out');
    if (isBare && hasKubeVirt) throw new Error('--kubevirt needs the chart, which --bare leaves out');
    const versions = useVersions(flags);
    using scope = signalScope();
    const claim = await claimCluster(line.command, { takesKept: flags.replace });
    try {
      const progress = createProgress(console.log, scope.signal);
      // The images are built before the cluster exists, because a build takes a minute and much memory.
      await using published = hasRegistry
        ? await progress.step('images and chart of a release', () => prepareRelease(console.log))
        : undefined;
      const images =
        isBare || published !== undefined
          ? []
          : await progress.step('images of webhook and node plugin', () => ownImages(console.log));
      const kubeVirt = hasKubeVirt
        ? await progress.step("images of KubeVirt and its machines' guest", () => ensureKubeVirt(console.log))
        : undefined;
      const all = [...images, ...(kubeVirt === undefined ? [] : [kubeVirt.parts, kubeVirt.guest])];
      await using cluster = await bringUp(seedNodes, progress, { images: all });
      if (published !== undefined) {
        const registry = await progress.step('the registry runs', startClusterRegistry);
        await progress.step('the release is in the registry', () => published.publish(registry));
        await progress.step('helm install oci://…: webhook and node plugins are Ready', () =>
          installFromRegistry(cluster, published, registry),
        );
        console.log(registryHelp(registry));
      } else if (!isBare) {
        await progress.step('helm install: webhook and node plugins are Ready', () => installByHelm(cluster));
      }
      if (kubeVirt !== undefined) await installKubeVirt(cluster, kubeVirt, injector, progress);
      await claim.keep();
      console.log(
        `\n${versions}\n\n${nodeTable(await cluster.nodes())}\n\nexport KUBECONFIG=${cluster.kubeconfig} PATH=${paths.programs}:$PATH`,
      );
      return exitCode.done;
    } catch (thrown) {
      if (scope.signal.aborted) return await giveUp();
      console.error(`the logs are in ${await keepLogs()}`);
      await bringDown();
      await claim.release();
      throw thrown;
    }
  };
  await runClusterCommand(line, up, argv);
}

/**
 * Removes the cluster until nothing remains. The step that was interrupted continues for a moment, and may recreate
 * what was just removed.
 */
async function giveUp(): Promise<never> {
  do await bringDown();
  while ((await findRemains()).length > 0);
  process.exit(exitCode.failed);
}

/** Shows how other programs reach the registry. */
function registryHelp({ host, caFile, credentialsFolder }: RegistryFiles): string {
  return `\nThe registry is ${host}, with the CA ${caFile}.\nexport DOCKER_CONFIG=${credentialsFolder}`;
}
