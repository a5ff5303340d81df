// SPDX-License-Identifier: Apache-2.0
// Tests a release from its installation to its end, with a real API server and the real webhook.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { makeServiceAccount, installationNamespace as namespace } from '../apiserver/install.ts';
import { type KubernetesObject, parseObjects } from '../apiserver/kubernetes-object.ts';
import { playService } from '../apiserver/play-service.ts';
import { publishedBundles } from '../apiserver/served-certificate.ts';
import { startWebhook } from '../apiserver/start-webhook.ts';
import { untilInForce } from '../apiserver/webhook-of-file.ts';
import { until } from '../process/until.ts';
import { type HelmCluster, startHelmCluster } from './helm-cluster.ts';
import { podTemplateOf } from './pod-spec.ts';
import { chartFolder, type HelmName, mustRunHelm } from './run-helm.ts';

interface Journey {
  readonly install: HelmName;
  /** The Helm version that does everything after the installation. */
  readonly upgrade: HelmName;
  readonly flags?: readonly string[];
}

const journeys: Readonly<Record<string, Journey>> = {
  'Helm 4': { install: 'helm', upgrade: 'helm' },
  'Helm 3': { install: 'helm3', upgrade: 'helm3' },
  'Helm 3, and Helm 4 from then on': { install: 'helm3', upgrade: 'helm' },
  'Helm 3, and Helm 4 with server-side apply from then on': {
    install: 'helm3',
    upgrade: 'helm',
    flags: ['--server-side=true'],
  },
};

const seed = ['seed/node-centric/policy.yaml', 'apiserver/seed-network.yaml'].map((path) =>
  readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8'),
);
const release = ['kube-macvtap', '--namespace', namespace] as const;
const secretPath = `/api/v1/namespaces/${namespace}/secrets/kube-macvtap-webhook-tls`;
const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/kube-macvtap-webhook`;

for (const [title, { install, upgrade, flags = [] }] of Object.entries(journeys)) {
  describe(title, () => {
    let cluster: HelmCluster;
    let notes = '';
    before(async () => {
      cluster = await startHelmCluster();
    });
    after(() => cluster[Symbol.asyncDispose]());

    /** Reads the fields that only the webhook writes. */
    const written = async () => {
      const { data } = await cluster.admin.must<{ data?: Readonly<Record<string, string>> }>('GET', secretPath);
      const { spec } = await cluster.admin.must<{ spec?: { holderIdentity?: string } }>('GET', leasePath);
      return { data, bundles: await publishedBundles(cluster), holder: spec?.holderIdentity };
    };
    const manifest = () =>
      parseObjects(mustRunHelm(upgrade, ['get', 'manifest', ...release, `--kubeconfig=${cluster.kubeconfig}`]), 'helm');
    const getAll = async (objects: readonly KubernetesObject[]) => {
      const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
      const listed = await cluster.mustKubectl(['get', '--ignore-not-found', '-o', 'json', '-f', '-'], text);
      return listed === '' ? [] : ((JSON.parse(listed) as { items: readonly KubernetesObject[] }).items ?? []);
    };
    /** The Lease is left out, because its holder renews it every few seconds. */
    const versions = async () =>
      (await getAll(manifest().filter(({ kind }) => kind !== 'Lease'))).map(({ kind, metadata }) => [
        kind,
        metadata.name,
        metadata.resourceVersion,
      ]);
    const nodeArgs = async () => {
      const [object] = (await getAll(manifest())).filter(({ kind }) => kind === 'DaemonSet');
      return podTemplateOf(object as KubernetesObject).spec.containers[0].args;
    };

    it('installs everything into an empty cluster', async () => {
      notes = cluster.mustHelm(install, ['install', ...release, chartFolder, '--create-namespace']);
      assert.match(notes, /^STATUS: deployed$/m);
      const objects = manifest();
      assert.ok(objects.length > 15);
      assert.equal((await getAll(objects)).length, objects.length);
    });

    it('has a webhook that fills the Secret and the bundles, and takes the Lease, with the rights of the chart', async () => {
      await makeServiceAccount(cluster, namespace, 'default');
      const service = cluster.use(await playService(cluster));
      const webhook = cluster.use(await startWebhook(cluster));
      service.targets = [webhook.port];
      await untilInForce(cluster);
      const { data = {}, bundles, holder } = await until(written, (now) => now.holder !== undefined);
      assert.ok((data['tls.crt'] ?? '').length > 0);
      assert.match(holder ?? '', /_/);
      assert.deepEqual([bundles.length, new Set(bundles).size], [7, 1]);
    });

    it("accepts the proposal's policy and network unchanged, and the next steps in its notes work", async () => {
      for (const text of seed)
        await cluster.mustKubectl(['apply', '--validate=strict', '-n', namespace, '-f', '-'], text);
      const commands = notes.match(/^ {3}kubectl .*$/gm) ?? [];
      assert.equal(commands.length, 4, notes);
      assert.equal(commands[3], '   kubectl label node NODE macvtap=true');
      const states = await cluster.mustKubectl((commands[1] ?? '').trim().split(' ').slice(1));
      assert.match(states, /kind: List/);
      const policy = /<<EOF\n(.*)^ {3}EOF$/ms.exec(notes)?.[1] ?? '';
      assert.equal(parseAllDocuments(policy).length, 1);
      await cluster.mustKubectl(['apply', '--validate=strict', '-f', '-'], policy);
      const policies = await cluster.mustKubectl(['get', 'mvnnp', '-n', namespace, '-o', 'name']);
      assert.deepEqual(policies.trim().split('\n').length, 2);
    });

    it('keeps what the webhook wrote through an upgrade to a packaged later version, and applies the new values', async () => {
      const before = await written();
      mustRunHelm(upgrade, ['package', chartFolder, '--version', '0.1.1', '--destination', cluster.folder]);
      const archive = `${cluster.folder}/kube-macvtap-0.1.1.tgz`;
      cluster.mustHelm(upgrade, ['upgrade', ...release, archive, ...flags], { implicitExposure: 'None' });
      assert.deepEqual(await written(), before);
      assert.ok((await nodeArgs()).includes('--implicit-exposure=None'));
      // The API server still calls the webhook and accepts its certificate.
      await untilInForce(cluster);
    });

    it('changes nothing by an upgrade to the same version', async () => {
      const before = await versions();
      const archive = `${cluster.folder}/kube-macvtap-0.1.1.tgz`;
      cluster.mustHelm(upgrade, ['upgrade', ...release, archive, '--reset-then-reuse-values', ...flags]);
      assert.deepEqual(await versions(), before);
    });

    it('keeps what the webhook wrote through a rollback', async () => {
      const before = await written();
      cluster.mustHelm(upgrade, ['rollback', 'kube-macvtap', '1', '--namespace', namespace, ...flags]);
      assert.deepEqual(await written(), before);
      assert.ok((await nodeArgs()).includes('--implicit-exposure=All'));
    });

    it('leaves its CRDs and their objects after it is uninstalled, and no webhook configuration', async () => {
      const objects = manifest();
      assert.match(cluster.mustHelm(upgrade, ['uninstall', ...release]), /resource policy/);
      const left = await until(
        () => getAll(objects),
        (found) => found.length <= 2,
      );
      assert.deepEqual(
        left.map(({ kind }) => kind),
        ['CustomResourceDefinition', 'CustomResourceDefinition'],
      );
      const configurations = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
      assert.equal(await cluster.mustKubectl(['get', configurations.join(), '-o', 'name']), '');
      const policies = await cluster.mustKubectl(['get', 'mvnnp', '-n', namespace, '-o', 'name']);
      assert.equal(policies.trim().split('\n').length, 2);
      // Objects that the webhooks guarded can be deleted.
      await cluster.mustKubectl(['delete', 'net-attach-def', 'macvtap0', '-n', namespace]);
    });

    it('can be installed again, with the CRDs that stayed', async () => {
      cluster.mustHelm(upgrade, ['install', ...release, chartFolder]);
      const policies = await cluster.mustKubectl(['get', 'mvnnp', '-n', namespace, '-o', 'name']);
      assert.equal(policies.trim().split('\n').length, 2);
      const again = cluster.helm(upgrade, ['install', 'another', chartFolder, '--namespace', namespace]);
      assert.equal(again.code, 1, 'a cluster can have it once');
      assert.match(again.stderr, /exists and cannot be imported/);
    });

    it('can be installed under another name that takes over the CRDs and the config map of macvtap-cni', async () => {
      cluster.mustHelm(upgrade, ['uninstall', ...release]);
      const name = 'macvtap-deviceplugin-config';
      await cluster.mustKubectl(['create', 'configmap', name, '-n', namespace, '--from-literal=DP_MACVTAP_CONF=[]']);
      const explicitConfig = [{ name: 'dataplane', lowerDevice: 'bond1', mode: 'bridge', capacity: 50 }];
      const args = ['install', 'another', chartFolder, '--namespace', namespace];
      const { code, stderr } = cluster.helm(upgrade, args, { explicitConfig });
      assert.equal(code, 1);
      assert.match(stderr, /exists and cannot be imported/);
      // Helm 4 uses server-side apply, which reports a conflict for every field that another manager has written.
      const takeOver = ['--take-ownership', ...(upgrade === 'helm' ? ['--force-conflicts'] : [])];
      cluster.mustHelm(upgrade, [...args, ...takeOver], { explicitConfig });
      const { data } = JSON.parse(await cluster.mustKubectl(['get', 'configmap', name, '-n', namespace, '-o', 'json']));
      assert.deepEqual(JSON.parse(data.DP_MACVTAP_CONF), explicitConfig);
    });
  });
}
