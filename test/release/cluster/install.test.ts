// SPDX-License-Identifier: Apache-2.0
// Installs releases from a registry in a cluster whose nodes have none of their images: kubelet pulls them with a pull
// secret, and Helm 3 and 4 read the chart. The commands come from docs/how-to/install.md. The first release is that of
// an older commit. It is upgraded to a release of the working tree, rolled back and upgraded again, while pods exchange
// frames.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeLedger } from '../../../nodeplugin/ledger/ledger-codec.ts';
import type { LedgerRecord } from '../../../nodeplugin/ledger/ledger-content.ts';
import { binaryPath } from '../../binaries/binary-path.ts';
import { clusterOfFile } from '../../cluster/cluster-of-file.ts';
import { exchangeFrames, type FrameExchange } from '../../cluster/frame-stream.ts';
import { helm } from '../../cluster/helm.ts';
import { clusterValues } from '../../cluster/install/cluster-values.ts';
import { untilInstalled } from '../../cluster/install/install-by-helm.ts';
import type { Installation } from '../../cluster/install/installation.ts';
import { findNodePlugin } from '../../cluster/install/node-plugin-pod.ts';
import { installationNamespace, release } from '../../cluster/install/release.ts';
import { uninstall } from '../../cluster/install/uninstall.ts';
import { deletePod, runPod } from '../../cluster/pods.ts';
import { startClusterRegistry } from '../../cluster/registry/cluster-registry.ts';
import { chartArguments, createPullSecret, pullSecret } from '../../cluster/registry/install-from-registry.ts';
import { type PreparedRelease, prepareRelease } from '../../cluster/registry/prepare-release.ts';
import { untilHeld } from '../../cluster/resources.ts';
import { run } from '../../cluster/run.ts';
import { seedNodes } from '../../cluster/seed-nodes.ts';
import { applySeed } from '../../cluster/seed-objects.ts';
import { type PodTap, readPodTap } from '../../cluster/taps.ts';
import type { ImageKind } from '../../images/image-inputs.ts';
import { until } from '../../process/until.ts';
import { registryUser } from '../registry-files.ts';
import { account, installFlags, openInstallPage } from './install-page.ts';

/** The last commit without a command for releases. It is the older release. */
const olderCommit = 'fe471c09e0a5c64a5b5f9cac57a4bb2bad6b768e';

const print = (line: string) => console.error(line);
const older = await prepareRelease(print, { commit: olderCommit, version: '0.1.0' });
after(() => older[Symbol.asyncDispose]());
const newer = await prepareRelease(print, { version: '0.2.0' });
after(() => newer[Symbol.asyncDispose]());
const cluster = await clusterOfFile(seedNodes);
const registry = await startClusterRegistry();
const page = await openInstallPage(registry, cluster);
after(() => page[Symbol.asyncDispose]());
await older.publish(registry, page.key);
await newer.publish(registry);
let installation: Installation;
const guardMs = 120_000;
const installByVersion = 'helm install kube-macvtap oci://registry.example.com/kube-macvtap/kube-macvtap --version';
/** The digest of the older release's chart, as cosign prints it. */
let chartDigest: string;
/** Where the chart keeps a node's ledger. */
const stateFolder = '/var/lib/kube-macvtap';

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

/** Returns the digests in the output of `cosign verify`, in its order. */
function digestsIn(output: string): readonly string[] {
  return [...output.matchAll(/"docker-manifest-digest": ?"(sha256:[0-9a-f]{64})"/g)].map(([, digest = '']) => digest);
}

/** Upgrades to a release in the registry by Helm 4, as in docs/how-to/upgrade.md. */
async function upgrade({ version }: PreparedRelease, changed: object = {}): Promise<void> {
  const command = ['upgrade', ...release, ...chartArguments(registry, version), '--reset-then-reuse-values'];
  await helm(cluster, command, changed);
  await installation.untilRolledOut();
}

/** Returns the name by digest of a release's image; the default is that of the node plugin. */
async function imageOf({ version }: PreparedRelease, kind: ImageKind = 'node'): Promise<string> {
  const repository = `${registry.host}/kube-macvtap/${kind}`;
  const digest = await oras('resolve', '--ca-file', registry.caFile, `${repository}:${version}`);
  return `${repository}@${digest.trim()}`;
}

/** Returns the image of a node's plugin, and the version that the command in the image reports. */
async function readNodePlugin(node: string) {
  const { name } = await findNodePlugin(cluster, node);
  const pod = [name, `--namespace=${installationNamespace}`];
  const image = await cluster.mustKubectl(['get', 'pod', ...pod, '-o', 'jsonpath={.spec.containers[0].image}']);
  const version = await cluster.mustKubectl(['exec', ...pod, '--', '/app/cli/kubectl-macvtap', '--version']);
  return { image, version: version.trim() };
}

/** Returns the attached devices in a node's ledger, by pod. Raises an error if a part of the ledger is invalid. */
async function readLedger(node: string): Promise<ReadonlyMap<string, LedgerRecord>> {
  const text = await cluster.run(node, 'cat', `${stateFolder}/ledger.json`);
  const { content, faults } = decodeLedger(Buffer.from(text), node);
  assert.deepEqual([faults, content.node, content.unread.size], [[], node, 0]);
  const attached = [...content.devices.values()].filter(({ record }) => record.attachment !== undefined);
  return new Map(attached.map((device) => [device.record.pod ?? '', device]));
}

describe('the commands of docs/how-to/install.md', () => {
  it('verify the release after a login, and show its SBOM', async () => {
    assert.match(await page.login(), /Login Succeeded/);
    chartDigest = digestsIn(await page.run('cosign verify'))[0] ?? assert.fail('cosign printed no digest');
    const found = await page.run('oras discover', { line: 0 });
    const DIGEST = /─ (sha256:\w+)/.exec(found)?.[1]?.replace('sha256:', '') ?? assert.fail(found);
    await page.run('oras discover', { line: 1, names: { DIGEST } });
    const [file = ''] = (await readdir(page.folder)).filter((name) => name.endsWith('.cdx.json'));
    const { components } = JSON.parse(await readFile(join(page.folder, file), 'utf8'));
    assert.ok(components.length > 0);
  });

  it('install the release, whose images kubelet pulls with the secret', async () => {
    await page.run('kubectl create namespace');
    const password = { prompt: 'Login Succeeded', text: registryUser.password };
    await page.run('helm registry login', { names: { NAME: registryUser.name }, answers: [...account, password] });
    await page.run(installByVersion, { more: installFlags() });
    await page.run('kubectl --namespace macvtap-cni rollout status');
    installation = await untilInstalled(cluster);
    assert.equal((await readNodePlugin('h1')).image, await imageOf(older));
  });
});

describe('an upgrade from the release of an older commit', () => {
  const nodes = ['h1', 'h2'] as const;
  /** The pods on each node, and the tap and the record of each since it was attached. */
  const pods = { h1: ['near'], h2: ['far'] };
  const taps = new Map<string, PodTap>();
  const devices = new Map<string, LedgerRecord>();
  let frames: FrameExchange;

  /** Attaches a pod that stays, and keeps its tap and its device for later comparisons. */
  const attach = async (name: string, node: (typeof nodes)[number]) => {
    await runPod(cluster, { name, node, networks: 'macvtap0' });
    taps.set(name, await readPodTap(cluster, name));
    devices.set(name, (await readLedger(node)).get(`default/${name}`) ?? assert.fail(`the ledger has no ${name}`));
  };

  /** Checks that both nodes run a release, and that the pods still have their taps and devices. */
  const assertRuns = async (prepared: PreparedRelease) => {
    const expected = { image: await imageOf(prepared), version: `kubectl-macvtap ${prepared.version}` };
    for (const node of nodes) {
      assert.deepEqual(await readNodePlugin(node), expected);
      const ledger = await readLedger(node);
      assert.deepEqual([...ledger.keys()].toSorted(), pods[node].map((name) => `default/${name}`).toSorted());
      for (const name of pods[node]) {
        assert.deepEqual(await readPodTap(cluster, name), taps.get(name));
        assert.deepEqual(ledger.get(`default/${name}`), devices.get(name));
      }
      // A ledger that could not be read would have been set aside, as ledger.json.broken-1.
      assert.deepEqual((await cluster.run(node, 'ls', stateFolder)).trim().split('\n'), ['ledger.json']);
      await untilHeld(cluster, node, 'bondedIface', pods[node].length);
    }
    await frames.goesOn();
  };

  /** Attaches one more pod to each node. It stays, so that the next release reads its record. */
  const attachMore = async (step: string) => {
    for (const node of nodes) {
      await attach(`${step}-${node}`, node);
      pods[node].push(`${step}-${node}`);
    }
  };

  before(async () => {
    await applySeed(cluster);
    for (const node of nodes) for (const name of pods[node]) await attach(name, node);
    frames = await exchangeFrames([...taps.values()] as [PodTap, PodTap]);
  });
  after(() => frames[Symbol.asyncDispose]());

  it('begins with that release, whose image differs', async () => {
    await assertRuns(older);
    assert.notEqual(await imageOf(older), await imageOf(newer));
  });

  it('keeps links and devices, and new pods are attached', async () => {
    await upgrade(newer);
    await assertRuns(newer);
    await attachMore('upgraded');
  });

  it('can be rolled back, and the older release continues with the ledger of the newer one', async () => {
    await helm(cluster, ['rollback', 'kube-macvtap', '1', `--namespace=${installationNamespace}`]);
    await installation.untilRolledOut();
    await assertRuns(older);
    await attachMore('rolled-back');
  });

  it('can be repeated, and the newer release continues with the ledger of the older one', async () => {
    await upgrade(newer);
    await assertRuns(newer);
    await attachMore('again');
    await assertRuns(newer);
  });

  it('loses, repeats and reorders no frame between pods on two nodes', () => frames.assertComplete());

  it('leaves devices that are free again when the pods are deleted', async () => {
    for (const node of nodes) {
      for (const name of pods[node]) await deletePod(cluster, name);
      await untilHeld(cluster, node, 'bondedIface', 0);
      // DEL can come after kubelet has released the device.
      await until(
        () => readLedger(node),
        (attached) => attached.size === 0,
        guardMs,
      );
    }
  });
});

describe('a release in a registry', () => {
  it('runs from images that kubelet pulled by digest', async () => {
    const { image: used } = await readNodePlugin('h1');
    assert.match(used, new RegExp(`^${registry.host}/kube-macvtap/node@sha256:[0-9a-f]{64}$`));
    const reasons = ['--field-selector=reason=Pulled', '-o', 'jsonpath={.items[*].message}'];
    const events = await cluster.mustKubectl(['get', 'events', `--namespace=${installationNamespace}`, ...reasons]);
    assert.match(events, new RegExp(`Successfully pulled image "${used}"`));
  });

  it('attaches pods', async () => {
    await runPod(cluster, { name: 'from-registry', node: 'h1', networks: 'macvtap0' });
    assert.equal((await readPodTap(cluster, 'from-registry')).owner, '107:107');
    await deletePod(cluster, 'from-registry');
  });

  it('is installed by Helm 3 after it was uninstalled, and upgraded by Helm 4', async () => {
    await uninstall(cluster);
    await page.run(installByVersion, { helm: 'helm3', version: newer.version, more: installFlags() });
    await untilInstalled(cluster);
    await upgrade(newer, { logLevel: 'debug' });
  });

  it('is installed by the digest that was verified', async () => {
    await uninstall(cluster);
    const byDigest = 'helm install kube-macvtap oci://registry.example.com/kube-macvtap/kube-macvtap@';
    await page.run(byDigest, { names: { 'sha256:DIGEST': chartDigest }, more: installFlags() });
    await untilInstalled(cluster);
    assert.equal((await readNodePlugin('h1')).image, await imageOf(older));
  });

  it('is installed with the chart of a clone', async () => {
    await uninstall(cluster);
    const named = async (kind: ImageKind) => {
      const [repository, digest] = (await imageOf(newer, kind)).split('@');
      return { repository, digest };
    };
    const image = { webhook: await named('webhook'), node: await named('node'), pullSecrets: [{ name: pullSecret }] };
    const values = { ...(await clusterValues()), image };
    await writeFile(join(page.folder, 'values.yaml'), JSON.stringify(values));
    await page.run('helm install kube-macvtap charts/kube-macvtap');
    await untilInstalled(cluster);
    assert.equal((await readNodePlugin('h1')).image, await imageOf(newer));
  });
});

describe('kubelet', () => {
  it('reports that the registry wants credentials if a pod has no pull secret', async () => {
    const image = `${registry.host}/kube-macvtap/node:${newer.version}`;
    assert.match(await failedPull('no-secret', image, []), /401 Unauthorized|no basic auth credentials/);
  });

  it("reports that an index has no image for the node's architecture", async () => {
    await createPullSecret(cluster, registry, 'default');
    const access = ['--from-ca-file', registry.caFile, '--to-ca-file', registry.caFile];
    const [source, only] = [`${registry.host}/kube-macvtap/node`, `${registry.host}/only/arm64`];
    const platform = ['--platform', 'linux/arm64'];
    await oras('cp', ...access, ...platform, `${source}:${newer.version}`, `${only}:one`);
    await oras('manifest', 'index', 'create', '--ca-file', registry.caFile, `${only}:index`, 'one');
    const message = await failedPull('other-architecture', `${only}:index`, [pullSecret]);
    assert.match(message, /no match for platform in manifest/);
  });
});

describe('the client CA of docs/how-to/install.md', () => {
  it('makes the webhook reject the API server, which has no certificate from it', async () => {
    await page.run('kubectl create configmap apiserver-client-ca');
    await installation.untilRolledOut();
    const policy = {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name: 'probe', namespace: installationNamespace },
      spec: { parentSelector: [{ parentIface: 'eth0' }] },
    };
    await until(
      () => cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(policy)),
      ({ stderr }) => /failed calling webhook .*certificate required/s.test(stderr),
      guardMs,
    );
  });
});
