// SPDX-License-Identifier: Apache-2.0
// Installs a release from a registry in a cluster whose nodes have none of its images: kubelet pulls them with a pull
// secret, and Helm 3 and 4 read the chart.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { binaryPath } from '../../binaries/binary-path.ts';
import { clusterOfFile } from '../../cluster/cluster-of-file.ts';
import { helm } from '../../cluster/helm.ts';
import { findNodePlugin } from '../../cluster/install/node-plugin-pod.ts';
import { installationNamespace, release } from '../../cluster/install/release.ts';
import { uninstall } from '../../cluster/install/uninstall.ts';
import { deletePod, runPod } from '../../cluster/pods.ts';
import { startClusterRegistry } from '../../cluster/registry/cluster-registry.ts';
import {
  chartArguments,
  createPullSecret,
  installAgain,
  installFromRegistry,
  pullSecret,
} from '../../cluster/registry/install-from-registry.ts';
import { prepareRelease } from '../../cluster/registry/prepare-release.ts';
import { run } from '../../cluster/run.ts';
import { seedNodes } from '../../cluster/seed-nodes.ts';
import { applySeed } from '../../cluster/seed-objects.ts';
import { readPodTap } from '../../cluster/taps.ts';
import { until } from '../../process/until.ts';

const prepared = await prepareRelease((line) => console.error(line));
after(() => prepared[Symbol.asyncDispose]());
const cluster = await clusterOfFile(seedNodes);
const registry = await startClusterRegistry();
await prepared.publish(registry);
await installFromRegistry(cluster, prepared, registry);
const guardMs = 120_000;

/** Runs oras with the credentials of the registry. */
async function oras(...args: readonly string[]): Promise<string> {
  return await run('env', `DOCKER_CONFIG=${registry.credentialsFolder}`, binaryPath('oras'), ...args);
}

/** Creates a pod with an image of the registry, and waits until kubelet reports why it cannot pull it. */
async function failedPull(name: string, image: string, secrets: readonly string[]): Promise<string> {
  const spec = {
    nodeName: 'h1',
    restartPolicy: 'Never',
    imagePullSecrets: secrets.map((secret) => ({ name: secret })),
    containers: [{ name: 'main', image }],
  };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec };
  await cluster.mustKubectl(['create', '-f', '-'], JSON.stringify(pod));
  const wanted = `involvedObject.name=${name},reason=Failed`;
  const messages = ['get', 'events', `--field-selector=${wanted}`, '-o', 'jsonpath={.items[*].message}'];
  const found = await until(
    () => cluster.mustKubectl(messages),
    (text) => text.includes('Failed to pull image'),
    guardMs,
  );
  await cluster.mustKubectl(['delete', 'pod', name, '--force']);
  return found;
}

describe('a release in a registry', () => {
  it('runs from images that kubelet pulled by digest', async () => {
    const { name } = await findNodePlugin(cluster, 'h1');
    const image = ['-o', 'jsonpath={.spec.containers[0].image}'];
    const used = await cluster.mustKubectl(['get', 'pod', name, `--namespace=${installationNamespace}`, ...image]);
    assert.match(used, new RegExp(`^${registry.host}/kube-macvtap/node@sha256:[0-9a-f]{64}$`));
    const reasons = ['--field-selector=reason=Pulled', '-o', 'jsonpath={.items[*].message}'];
    const events = await cluster.mustKubectl(['get', 'events', `--namespace=${installationNamespace}`, ...reasons]);
    assert.match(events, new RegExp(`Successfully pulled image "${used}"`));
  });

  it('attaches pods', async () => {
    await applySeed(cluster);
    await runPod(cluster, { name: 'from-registry', node: 'h1', networks: 'macvtap0' });
    assert.equal((await readPodTap(cluster, 'from-registry')).owner, '107:107');
    await deletePod(cluster, 'from-registry');
  });

  it('is installed by Helm 3 after it was uninstalled, and upgraded by Helm 4', async () => {
    await uninstall(cluster);
    const installation = await installAgain(cluster, prepared, registry, 'helm3');
    const upgrade = ['upgrade', ...release, ...chartArguments(registry, prepared.version), '--reset-then-reuse-values'];
    await helm(cluster, upgrade, { logLevel: 'debug' });
    await installation.untilRolledOut();
  });
});

describe('kubelet', () => {
  it('reports that the registry wants credentials if a pod has no pull secret', async () => {
    const image = `${registry.host}/kube-macvtap/node:${prepared.version}`;
    assert.match(await failedPull('no-secret', image, []), /401 Unauthorized|no basic auth credentials/);
  });

  it("reports that an index has no image for the node's architecture", async () => {
    await createPullSecret(cluster, registry, 'default');
    const access = ['--from-ca-file', registry.caFile, '--to-ca-file', registry.caFile];
    const [source, only] = [`${registry.host}/kube-macvtap/node`, `${registry.host}/only/arm64`];
    const platform = ['--platform', 'linux/arm64'];
    await oras('cp', ...access, ...platform, `${source}:${prepared.version}`, `${only}:one`);
    await oras('manifest', 'index', 'create', '--ca-file', registry.caFile, `${only}:index`, 'one');
    const message = await failedPull('other-architecture', `${only}:index`, [pullSecret]);
    assert.match(message, /no match for platform in manifest/);
  });
});
