// SPDX-License-Identifier: Apache-2.0
// Checks the chart with every option at a real API server, and objects of other projects' kinds against the schemas of
// those projects.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { makeNamespace, toText } from '../apiserver/install.ts';
import { readForeignKinds } from './foreign-kinds.ts';
import { startHelmCluster } from './helm-cluster.ts';
import { optionNames, options } from './options.ts';
import { renderChart } from './render-chart.ts';
import { chartFolder, helms } from './run-helm.ts';

const cluster = await startHelmCluster(await readForeignKinds());
after(() => cluster[Symbol.asyncDispose]());
await makeNamespace(cluster, 'macvtap-cni');

for (const name of optionNames) {
  describe(`with ${name}`, () => {
    for (const helm of helms) {
      it(`a dry run of ${helm} on the server succeeds without a warning`, () => {
        const args = ['install', 'kube-macvtap', chartFolder, '--namespace', 'macvtap-cni', '--dry-run=server'];
        const { code, stderr } = cluster.helm(helm, args, options[name]);
        assert.deepEqual({ code, stderr: withoutLevel(stderr) }, { code: 0, stderr: '' });
      });
    }

    it('every object passes the strict validation of the server without a warning', async () => {
      const objects = toText(renderChart({ values: options[name] }));
      const args = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
      const { code, stderr } = await cluster.kubectl(args, objects);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    });
  });
}

it('without the CRDs of another project, an option that needs them fails before any object is created', async () => {
  await cluster.mustKubectl(['delete', 'crd', 'servicemonitors.monitoring.coreos.com']);
  for (const helm of helms) {
    const args = ['install', 'kube-macvtap', chartFolder, '--namespace', 'macvtap-cni'];
    const { code, stderr } = cluster.helm(helm, args, { serviceMonitor: { enabled: true } });
    assert.equal(code, 1);
    assert.match(stderr, /no matches for kind "ServiceMonitor"/);
    await cluster.mustKubectl([
      'get',
      'crd',
      'macvtapnetworknodepolicies.macvtap.network.kubevirt.io',
      '--ignore-not-found',
    ]);
    assert.equal(await cluster.mustKubectl(['get', 'deployment', '-A', '-o', 'name']), '');
    cluster.helm(helm, ['uninstall', 'kube-macvtap', '--namespace', 'macvtap-cni']);
  }
});

/**
 * Removes log lines. Helm 4 logs its steps on standard error if requested; the remaining lines are warnings or errors.
 */
function withoutLevel(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !/level=(DEBUG|INFO)/.test(line))
    .join('\n')
    .trim();
}
