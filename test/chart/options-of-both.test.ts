// SPDX-License-Identifier: Apache-2.0
// What the options of both programs change, and that they change nothing else.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { options } from './options.ts';
import { podTemplateOf } from './pod-spec.ts';
import { findObject } from './render-chart.ts';
import { argsOf, both, changed, node, plain, pods, webhook, withOption } from './shown-objects.ts';

it('images have the tag of the chart, or one, or a digest, and come from where they are said to', () => {
  const images = (objects: typeof plain) => both(objects).map(({ containers }) => containers[0].image);
  assert.deepEqual(images(plain), ['kube-macvtap/webhook:0.1.0', 'kube-macvtap/node:0.1.0']);
  const tagged = withOption('images by tag, pulled with a secret');
  assert.deepEqual(images(tagged), ['localhost/webhook:edge', 'localhost/node:edge']);
  for (const { containers, imagePullSecrets } of both(tagged)) {
    assert.deepEqual([containers[0].imagePullPolicy, imagePullSecrets], ['Never', [{ name: 'pull' }]]);
  }
  assert.deepEqual(images(withOption('images by digest')), [
    `kube-macvtap/webhook@sha256:${'a'.repeat(64)}`,
    `kube-macvtap/node@sha256:${'b'.repeat(64)}`,
  ]);
  assert.deepEqual(changed(tagged), pods);
});

it('what both programs must agree on, both are told', () => {
  const expected = {
    'a louder log': ['--log-level=debug'],
    'nothing implicit': ['--implicit-exposure=None'],
    'less implicit': ['--implicit-exclude=ens*,bond0', '--link-kinds=device,bond,vlan'],
  } as const;
  for (const [name, flags] of Object.entries(expected)) {
    const objects = withOption(name as keyof typeof expected);
    for (const spec of both(objects)) for (const flag of flags) assert.ok(argsOf(spec).includes(flag), flag);
    assert.deepEqual(changed(objects), pods);
  }
});

it('the level of the log is followed in a ConfigMap that somebody may make, and that no upgrade takes away', () => {
  const files = { Deployment: 'webhook', DaemonSet: 'nodeplugin' } as const;
  for (const [kind, key] of Object.entries(files)) {
    const { volumes = [], containers } = podTemplateOf(findObject(plain, kind)).spec;
    const volume = volumes.find(({ name }) => name === 'log-level');
    assert.deepEqual(volume, { name: 'log-level', configMap: { name: 'kube-macvtap-log-level', optional: true } });
    assert.ok(containers[0].args.includes(`--log-level-file=/etc/kube-macvtap/log-level/${key}`));
  }
  assert.ok(!plain.some(({ metadata }) => metadata.name === 'kube-macvtap-log-level'));
});

it('the explicit configuration is the config map of macvtap-cni', () => {
  const objects = withOption('the explicit configuration');
  const { data } = findObject(objects, 'ConfigMap', 'macvtap-deviceplugin-config') as { data?: Record<string, string> };
  assert.deepEqual(JSON.parse(data?.DP_MACVTAP_CONF ?? ''), options['the explicit configuration'].explicitConfig);
  assert.deepEqual(changed(objects), ['ConfigMap macvtap-deviceplugin-config']);
});

it('the API server is where it is said to be, in place of where kubelet says', () => {
  const objects = withOption('an address of the API server');
  for (const { containers } of both(objects)) {
    const env = (containers[0].env ?? []).filter(({ name }) => name.startsWith('KUBERNETES_'));
    assert.deepEqual(env, [
      { name: 'KUBERNETES_SERVICE_HOST', value: '10.99.0.1' },
      { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
    ]);
  }
  assert.deepEqual(changed(objects), pods);
});

it('where pods run, with what, and which further flags they get', () => {
  const name = 'other places, resources and flags';
  const objects = withOption(name);
  for (const [part, spec] of [
    ['webhook', webhook(objects)],
    ['node', node(objects)],
  ] as const) {
    const { nodeSelector, tolerations, affinity, containers, priorityClassName } = spec;
    const wanted = options[name][part];
    // A value that is a map is merged into the chart's own.
    assert.deepEqual(nodeSelector, { 'kubernetes.io/os': 'linux', ...wanted.nodeSelector });
    assert.deepEqual([tolerations, affinity], [wanted.tolerations, wanted.affinity]);
    assert.ok(priorityClassName === undefined || priorityClassName === null || priorityClassName === '');
    assert.ok(argsOf(spec).includes(wanted.extraArgs[0]));
    assert.match(JSON.stringify(containers[0].resources), part === 'webhook' ? /"cpu":"1"/ : /"memory":"1Gi"/);
  }
  for (const kind of ['Deployment', 'DaemonSet'])
    assert.deepEqual(podTemplateOf(findObject(objects, kind)).metadata.annotations, { note: 'true' });
  assert.deepEqual(changed(objects), pods);
  assert.ok(webhook(plain).affinity?.podAntiAffinity, 'apart from one another when nobody says otherwise');
});
