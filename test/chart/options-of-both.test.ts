// SPDX-License-Identifier: Apache-2.0
// Tests the options of both programs: what they change, and that they change nothing else.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { options } from './options.ts';
import { type Labels, podTemplateOf } from './pod-spec.ts';
import { findObject } from './render-chart.ts';
import { argsOf, both, changed, node, plain, pods, webhook, withOption } from './shown-objects.ts';

it('images have the tag of the chart, another tag, or a digest, and come from the given registry', () => {
  const images = (objects: typeof plain) => both(objects).map(({ containers }) => containers[0].image);
  assert.deepEqual(images(plain), [
    'registry.example.com/kube-macvtap/webhook:0.1.0',
    'registry.example.com/kube-macvtap/node:0.1.0',
  ]);
  const tagged = withOption('images by tag, pulled with a secret');
  assert.deepEqual(images(tagged), ['localhost/webhook:edge', 'localhost/node:edge']);
  for (const { containers, imagePullSecrets } of both(tagged)) {
    assert.deepEqual([containers[0].imagePullPolicy, imagePullSecrets], ['Never', [{ name: 'pull' }]]);
  }
  assert.deepEqual(images(withOption('images by digest')), [
    `registry.example.com/kube-macvtap/webhook@sha256:${'a'.repeat(64)}`,
    `registry.example.com/kube-macvtap/node@sha256:${'b'.repeat(64)}`,
  ]);
  assert.deepEqual(changed(tagged), pods);
});

it('both programs get the settings that must be the same for both', () => {
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

it('the log level is read from an optional ConfigMap, which no upgrade removes', () => {
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

it("the given address of the API server replaces kubelet's", () => {
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

it('scheduling, resources and further flags of pods can be set', () => {
  const name = 'other places, resources and flags';
  const objects = withOption(name);
  for (const [part, spec] of [
    ['webhook', webhook(objects)],
    ['node', node(objects)],
  ] as const) {
    const { nodeSelector, tolerations, affinity, containers, priorityClassName } = spec;
    const wanted = options[name][part];
    // Helm merges a map into the default value of the chart.
    assert.deepEqual(nodeSelector, { 'kubernetes.io/os': 'linux', ...wanted.nodeSelector });
    assert.deepEqual([tolerations, affinity], [wanted.tolerations, wanted.affinity]);
    assert.ok(priorityClassName === undefined || priorityClassName === null || priorityClassName === '');
    assert.ok(argsOf(spec).includes(wanted.extraArgs[0]));
    assert.match(JSON.stringify(containers[0].resources), part === 'webhook' ? /"cpu":"1"/ : /"memory":"1Gi"/);
  }
  for (const kind of ['Deployment', 'DaemonSet'])
    assert.deepEqual(podTemplateOf(findObject(objects, kind)).metadata.annotations, { note: 'true' });
  assert.deepEqual(changed(objects), pods);
  assert.ok(webhook(plain).affinity?.podAntiAffinity, 'separate nodes by default');
});

it('another name is the prefix of all object names, except of names that other programs look for', () => {
  for (const [name, prefix, label] of [
    ['other names, and labels on everything', 'team-a-macvtap', 'macvtap'],
    ['another name', 'macvtap', 'macvtap'],
  ] as const) {
    const objects = withOption(name);
    const renamed = (all: typeof plain) => all.filter(({ metadata }) => !metadata.name.includes('macvtap.network.'));
    assert.deepEqual(
      renamed(objects).map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      renamed(plain).map(({ kind, metadata }) => `${kind} ${metadata.name.replace(/^kube-macvtap/, prefix)}`),
    );
    for (const { kind, metadata } of objects.filter(({ kind }) => kind !== 'CustomResourceDefinition')) {
      const labels = metadata.labels as Labels;
      assert.deepEqual(
        [labels['app.kubernetes.io/name'], labels['app.kubernetes.io/part-of']],
        [label, 'kube-macvtap'],
        `${kind} ${metadata.name}`,
      );
    }
    const flags = argsOf(webhook(objects));
    for (const [flag, suffix] of [
      ['service-name', 'webhook'],
      ['lease-name', 'webhook'],
      ['secret-name', 'webhook-tls'],
    ] as const) {
      assert.ok(flags.includes(`--${flag}=${prefix}-${suffix}`), flag);
    }
    for (const spec of both(objects)) findObject(objects, 'ServiceAccount', spec.serviceAccountName);
    assert.doesNotMatch(JSON.stringify(objects), /kube-macvtap-(webhook|authority|self-signed|log-level)/);
    const { clientConfig } = (
      findObject(objects, 'ValidatingWebhookConfiguration') as unknown as {
        webhooks: readonly [{ clientConfig: { service: { name: string } } }];
      }
    ).webhooks[0];
    findObject(objects, 'Service', clientConfig.service.name);
  }
});

it('common labels are on all objects and pods, are not in selectors, and do not replace labels of the chart', () => {
  const objects = withOption('other names, and labels on everything');
  for (const { kind, metadata } of objects.filter(({ kind }) => kind !== 'CustomResourceDefinition')) {
    const labels = metadata.labels as Labels;
    assert.equal(labels['cost-center'], '42', `${kind} ${metadata.name}`);
    assert.notEqual(labels['app.kubernetes.io/component'], 'ignored');
  }
  for (const kind of ['Deployment', 'DaemonSet']) {
    const object = findObject(objects, kind);
    assert.equal(podTemplateOf(object).metadata.labels['cost-center'], '42');
    const { selector } = object.spec as { selector: { matchLabels: object } };
    assert.deepEqual(Object.keys(selector.matchLabels), [
      'app.kubernetes.io/name',
      'app.kubernetes.io/instance',
      'app.kubernetes.io/component',
    ]);
  }
});
