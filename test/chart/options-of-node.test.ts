// SPDX-License-Identifier: Apache-2.0
// Tests the node plugin container's access to the node, and how options change it.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { findObject } from './render-chart.ts';
import { argsOf, changed, node, plain, specOf, webhook, withOption } from './shown-objects.ts';

it("only the node plugin uses the node's network, and it has exactly these parts of the node", () => {
  const { hostNetwork, containers, volumes = [], priorityClassName, tolerations } = node(plain);
  assert.deepEqual([webhook(plain).hostNetwork, hostNetwork], [undefined, true]);
  assert.deepEqual([priorityClassName, tolerations], ['system-node-critical', [{ operator: 'Exists' }]]);
  const [{ volumeMounts = [], terminationMessagePath = '/dev/termination-log', ports }] = containers;
  const [logLevel, ...others] = volumeMounts.filter(({ name }) => name === 'log-level');
  assert.deepEqual([logLevel?.mountPath, logLevel?.readOnly, others], ['/etc/kube-macvtap/log-level', true, []]);
  const ofNode = volumeMounts.filter((mount) => mount !== logLevel);
  const mounts = ofNode.map(({ name, mountPath, readOnly = false, mountPropagation = 'None' }) => {
    const hostPath = volumes.find((volume) => volume.name === name)?.hostPath?.path;
    assert.equal(hostPath, mountPath, 'paths are the same on the node');
    return `${mountPath} ${readOnly ? 'ro' : 'rw'} ${mountPropagation}`;
  });
  assert.deepEqual(mounts, [
    '/var/lib/kubelet/device-plugins rw None',
    '/var/lib/kubelet/pod-resources ro None',
    '/opt/cni/bin rw None',
    '/run/kube-macvtap rw None',
    '/var/lib/kube-macvtap rw None',
    '/dev ro None',
    '/run/netns ro HostToContainer',
    // Needed to release the devices of claims after an upgrade that ends DRA.
    '/var/lib/kubelet/plugins_registry rw None',
    '/var/lib/kubelet/plugins/macvtap.network.kubevirt.io rw None',
    '/var/run/cdi rw None',
  ]);
  assert.equal(volumes.length, mounts.length + 1);
  assert.ok(!terminationMessagePath.startsWith('/dev/'), "kubelet would make a file in the node's /dev");
  assert.equal(ports, undefined);
  const probes = [containers[0].livenessProbe, containers[0].readinessProbe].map((probe) => probe?.httpGet);
  assert.deepEqual(
    probes.map((probe) => [probe?.path, probe?.host, probe?.port]),
    [
      ['/healthz', '127.0.0.1', 9444],
      ['/readyz', '127.0.0.1', 9444],
    ],
  );
  assert.ok(argsOf(node(plain)).includes('--metrics-listen=127.0.0.1:9444'), 'loopback alone');
  const strategy = specOf<{ updateStrategy: { rollingUpdate: object } }>(plain, 'DaemonSet').updateStrategy;
  assert.deepEqual(strategy.rollingUpdate, { maxUnavailable: '5%' });
});

it('other directories are mounted, and passed to the program', () => {
  const objects = withOption('other directories and ports of a node');
  const [{ args, volumeMounts = [] }] = node(objects).containers;
  assert.deepEqual(volumeMounts.map(({ mountPath }) => mountPath).slice(0, 5), [
    '/var/lib/k0s/kubelet/device-plugins',
    '/var/lib/k0s/kubelet/pod-resources',
    '/var/lib/cni/bin',
    '/run/macvtap',
    '/srv/kube-macvtap',
  ]);
  for (const flag of [
    '--kubelet-dir=/var/lib/k0s/kubelet',
    '--cni-bin-dir=/var/lib/cni/bin',
    '--cni-socket=/run/macvtap/cni.sock',
    '--state-dir=/srv/kube-macvtap',
    '--metrics-listen=127.0.0.1:9544',
  ])
    assert.ok(args.includes(flag), flag);
  assert.deepEqual(changed(objects), ['DaemonSet kube-macvtap-nodeplugin']);
});

it('the node plugin may list and watch pods, unless migration cut-over is disabled', () => {
  const rules = (objects: typeof plain) =>
    (findObject(objects, 'ClusterRole', 'kube-macvtap-nodeplugin') as unknown as ClusterRole).rules
      .filter(({ resources }) => resources.includes('pods'))
      .flatMap(({ verbs }) => verbs);
  assert.deepEqual(rules(plain), ['get', 'list', 'watch']);
  const off = withOption('no cut-over of migrations');
  assert.deepEqual(rules(off), ['get']);
  assert.ok(argsOf(node(off)).includes('--migration-cutover=Off'));
  assert.deepEqual(changed(off), ['ClusterRole kube-macvtap-nodeplugin', 'DaemonSet kube-macvtap-nodeplugin']);
});

for (const [option, flags] of [
  ['dynamic resource allocation', ['--allocation=DRA', '--allocation-by-label=Off']],
  ['dynamic resource allocation by label', ['--allocation=DevicePlugin', '--allocation-by-label=On']],
] as const) {
  it(`${option} gives the node plugin the flags and rights of a DRA driver, and no other directories`, () => {
    const objects = withOption(option);
    assert.deepEqual(
      argsOf(node(objects)).filter((arg) => arg.startsWith('--allocation')),
      flags,
    );
    assert.deepEqual(namesIn(objects), namesIn(plain));
    const { rules } = findObject(objects, 'ClusterRole', 'kube-macvtap-nodeplugin') as unknown as ClusterRole;
    assert.deepEqual(
      rules.filter(({ resources }) => resources.includes('resourceslices')).map(({ verbs }) => verbs),
      [['list', 'watch', 'create', 'update', 'delete']],
    );
    findObject(objects, 'ValidatingAdmissionPolicyBinding', 'own-resource-slices.macvtap.network.kubevirt.io');
  });
}

it('without dynamic resource allocation, no object names the API group resource.k8s.io', () => {
  assert.ok(!JSON.stringify(plain).includes('resource.k8s.io'));
});

function namesIn(objects: typeof plain): readonly string[] {
  return node(objects).containers[0].volumeMounts?.map(({ name }) => name) ?? [];
}

interface ClusterRole {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}
