// SPDX-License-Identifier: Apache-2.0
// What each option changes of the chart's objects, and that it changes nothing else.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readFlags } from '../../runtime/flags.ts';
import { webhookLine } from '../../webhook/config.ts';
import type { KubernetesObject } from '../apiserver/kubernetes-object.ts';
import { type OptionName, options } from './options.ts';
import { podTemplateOf } from './pod-spec.ts';
import { findObject, renderChart } from './render-chart.ts';
import { chartFolder, helms, runHelm } from './run-helm.ts';

const plain = renderChart();
const withOption = (name: OptionName) => renderChart({ values: options[name] });

const webhook = (objects: readonly KubernetesObject[]) => podTemplateOf(findObject(objects, 'Deployment')).spec;
const node = (objects: readonly KubernetesObject[]) => podTemplateOf(findObject(objects, 'DaemonSet')).spec;
const both = (objects: readonly KubernetesObject[]) => [webhook(objects), node(objects)] as const;
const argsOf = (spec: ReturnType<typeof webhook>) => spec.containers[0].args;
const specOf = <Spec>(objects: readonly KubernetesObject[], kind: string, name?: string) =>
  findObject(objects, kind, name).spec as Spec;

/** `Deployment kube-macvtap-webhook` of every object that differs, is new or is gone. */
function changed(objects: readonly KubernetesObject[]): readonly string[] {
  const titled = (all: readonly KubernetesObject[]) =>
    new Map(all.map((object) => [`${object.kind} ${object.metadata.name}`, JSON.stringify(object)]));
  const [before, after] = [titled(plain), titled(objects)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((title) => before.get(title) !== after.get(title))
    .toSorted();
}

const pods = ['DaemonSet kube-macvtap-nodeplugin', 'Deployment kube-macvtap-webhook'];
const configurations = ['Mutating', 'Validating'].map(
  (which) => `${which}WebhookConfiguration webhook.macvtap.network.kubevirt.io`,
);

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

it('an ending webhook pod is left the time to drain and to end', () => {
  const times = (objects: typeof plain) => {
    const spec = webhook(objects);
    const drain = Number(/^--drain=(\d+)s$/.exec(argsOf(spec).find((arg) => arg.startsWith('--drain')) ?? '')?.[1]);
    return { drain, grace: spec.terminationGracePeriodSeconds };
  };
  const shorter = withOption('one webhook pod, that only warns');
  assert.deepEqual(
    [times(plain), times(shorter)],
    [
      { drain: 10, grace: 25 },
      { drain: 5, grace: 20 },
    ],
  );
  assert.equal(specOf<{ replicas: number }>(plain, 'Deployment').replicas, 2);
  assert.equal(specOf<{ replicas: number }>(shorter, 'Deployment').replicas, 1);
  for (const flag of ['--unknown-resource=Warn', '--multus-namespace=multus'])
    assert.ok(argsOf(webhook(shorter)).includes(flag));
  assert.deepEqual(changed(shorter), ['Deployment kube-macvtap-webhook']);
});

it('failure policies are those of the webhooks that they name', () => {
  const policies = (objects: typeof plain) =>
    Object.fromEntries(
      objects
        .filter(({ kind }) => kind.endsWith('WebhookConfiguration'))
        .flatMap(({ webhooks }) => webhooks as readonly { name: string; failurePolicy: string }[])
        .map(({ name, failurePolicy }) => [name.split('.')[0], failurePolicy]),
    );
  assert.deepEqual(policies(plain), {
    'default-networks': 'Fail',
    'inject-pods': 'Ignore',
    'default-policies': 'Fail',
    'check-networks': 'Fail',
    'check-pods': 'Fail',
    'check-policies': 'Fail',
    'tell-policy-deletions': 'Ignore',
  });
  const objects = withOption('other failure policies');
  assert.deepEqual(policies(objects), {
    'default-networks': 'Ignore',
    'inject-pods': 'Fail',
    'default-policies': 'Ignore',
    'check-networks': 'Ignore',
    'check-pods': 'Ignore',
    'check-policies': 'Ignore',
    'tell-policy-deletions': 'Ignore',
  });
  assert.deepEqual(changed(objects), configurations);
});

it("where the webhook has the node's network, its metrics are on loopback, and asked for there", () => {
  const metrics = (objects: typeof plain) => {
    const { containers, hostNetwork } = webhook(objects);
    const [{ args, livenessProbe, readinessProbe }] = containers;
    const hosts = [livenessProbe, readinessProbe].map((probe) => probe?.httpGet.host);
    return { hostNetwork, listen: args.find((arg) => arg.startsWith('--metrics-listen')), hosts };
  };
  assert.deepEqual(metrics(plain), {
    hostNetwork: undefined,
    listen: '--metrics-listen=:9443',
    hosts: [undefined, undefined],
  });
  const objects = withOption("the node's network for the webhook");
  assert.deepEqual(metrics(objects), {
    hostNetwork: true,
    listen: '--metrics-listen=127.0.0.1:9443',
    hosts: ['127.0.0.1', '127.0.0.1'],
  });
  // It has no effect on such pods, and no Service leads to a loopback.
  assert.ok(changed(objects).includes('NetworkPolicy kube-macvtap-webhook'));
  const { ports } = specOf<{ ports: readonly { name: string }[] }>(objects, 'Service');
  assert.deepEqual(
    ports.map(({ name }) => name),
    ['https'],
  );
  const rolling = specOf<{ strategy: { rollingUpdate: object } }>(objects, 'Deployment').strategy.rollingUpdate;
  assert.deepEqual(rolling, { maxUnavailable: 1, maxSurge: 0 });
});

it("the node's network is only the node plugin's, whose parts of the node are these and no others", () => {
  const { hostNetwork, containers, volumes = [], priorityClassName, tolerations } = node(plain);
  assert.deepEqual([webhook(plain).hostNetwork, hostNetwork], [undefined, true]);
  assert.deepEqual([priorityClassName, tolerations], ['system-node-critical', [{ operator: 'Exists' }]]);
  const [{ volumeMounts = [], terminationMessagePath = '/dev/termination-log', ports }] = containers;
  const mounts = volumeMounts.map(({ name, mountPath, readOnly = false, mountPropagation = 'None' }) => {
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
  ]);
  assert.equal(volumes.length, mounts.length);
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

it('other directories are mounted, and told to the program', () => {
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

it('a further flag wins over the one that the chart gives, as for nodes that were booted without IPv6', () => {
  const extraArgs = ['--listen=0.0.0.0:8443', '--metrics-listen=0.0.0.0:9443'];
  const parsed = readFlags(webhookLine, argsOf(webhook(renderChart({ values: { webhook: { extraArgs } } }))), {});
  assert.ok('values' in parsed);
  assert.deepEqual(parsed.values.listen, { host: '0.0.0.0', port: 8443 });
  assert.deepEqual(parsed.values['metrics-listen'], { host: '0.0.0.0', port: 9443 });
});

it('the webhook is reached on two ports and reaches API servers, unless nobody wants a network policy', () => {
  interface NetworkPolicy {
    readonly policyTypes: readonly string[];
    readonly ingress: readonly { readonly ports: readonly { port: number }[]; readonly from?: readonly object[] }[];
    readonly egress: readonly { readonly ports: readonly { port: number }[] }[];
  }
  const portsOf = (rules: readonly { ports: readonly { port: number }[] }[]) =>
    rules.flatMap(({ ports }) => ports.map(({ port }) => port));
  const { policyTypes, ingress, egress } = specOf<NetworkPolicy>(plain, 'NetworkPolicy');
  assert.deepEqual(
    [policyTypes, portsOf(ingress), portsOf(egress)],
    [
      ['Ingress', 'Egress'],
      [8443, 9443],
      [443, 6443],
    ],
  );
  assert.deepEqual(
    (webhook(plain).containers[0].ports ?? []).map(({ containerPort }) => containerPort),
    [8443, 9443],
  );
  const limited = specOf<NetworkPolicy>(withOption('metrics for Prometheus alone'), 'NetworkPolicy');
  assert.deepEqual(
    limited.ingress.map(({ from }) => from),
    [undefined, options['metrics for Prometheus alone'].networkPolicy.metricsFrom],
  );
  assert.deepEqual(portsOf(limited.egress), [8443]);
  assert.deepEqual(changed(withOption('no network policy')), ['NetworkPolicy kube-macvtap-webhook']);
});

it('a ServiceMonitor asks the Service for metrics, and is refused where no Service leads to them', () => {
  const objects = withOption('metrics for Prometheus alone');
  const { metadata, spec } = findObject(objects, 'ServiceMonitor');
  assert.equal((metadata.labels as Record<string, string>).release, 'prometheus');
  const { selector, endpoints } = spec as { selector: object; endpoints: readonly object[] };
  assert.deepEqual(endpoints, [{ port: 'metrics', path: '/metrics', interval: '10s' }]);
  const labels = findObject(objects, 'Service').metadata.labels as Record<string, string>;
  const { matchLabels } = selector as { matchLabels: Record<string, string> };
  for (const [key, value] of Object.entries(matchLabels)) assert.equal(labels[key], value);
  for (const helm of helms) {
    const sets = ['--set', 'serviceMonitor.enabled=true,webhook.hostNetwork=true'];
    assert.match(runHelm(helm, ['template', 'x', chartFolder, ...sets]).stderr, /metrics are on the node's loopback/);
  }
});

it('with cert-manager the webhook reads files, has no right to change anything, and cert-manager writes the bundles', () => {
  const objects = withOption('cert-manager');
  const [{ args, volumeMounts = [] }] = webhook(objects).containers;
  assert.ok(args.includes('--certificates=files'));
  const directory = args.find((arg) => arg.startsWith('--cert-dir='))?.split('=')[1];
  assert.deepEqual(
    volumeMounts.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
    [[directory, true]],
  );
  const certificate = specOf<{ secretName: string; dnsNames: readonly string[]; issuerRef: { name: string } }>(
    objects,
    'Certificate',
    'kube-macvtap-webhook',
  );
  const [volume] = webhook(objects).volumes ?? [];
  assert.equal((volume as unknown as { secret: { secretName: string } }).secret.secretName, certificate.secretName);
  assert.ok(certificate.dnsNames.includes('kube-macvtap-webhook.macvtap-cni.svc'));
  findObject(objects, 'Issuer', certificate.issuerRef.name);
  const annotations = objects
    .filter(({ kind }) => kind.endsWith('WebhookConfiguration'))
    .map(({ metadata }) => metadata.annotations);
  const inject = { 'cert-manager.io/inject-ca-from': 'macvtap-cni/kube-macvtap-webhook' };
  assert.deepEqual(annotations, [inject, inject]);
  assert.ok(!objects.some(({ kind }) => kind === 'Secret'));
  const verbs = objects
    .filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name === 'kube-macvtap-webhook')
    .flatMap(({ rules }) => (rules as readonly { verbs: readonly string[] }[]).flatMap((rule) => rule.verbs));
  assert.deepEqual([...new Set(verbs)].toSorted(), ['get', 'list', 'watch']);

  const issued = withOption('cert-manager with an issuer of the cluster');
  assert.equal(issued.filter(({ kind }) => kind === 'Issuer').length, 0);
  assert.deepEqual(
    specOf<{ issuerRef: object }>(issued, 'Certificate').issuerRef,
    options['cert-manager with an issuer of the cluster'].certManager.issuerRef,
  );
});

it('on OpenShift the node plugin may use constraints that grant what its DaemonSet asks for and no more', () => {
  const objects = withOption('OpenShift');
  const constraints = findObject(objects, 'SecurityContextConstraints');
  const { containers, volumes = [], securityContext, hostNetwork } = node(objects);
  const { capabilities, ...own } = containers[0].securityContext;
  assert.deepEqual(constraints.allowedCapabilities, capabilities.add);
  assert.deepEqual(constraints.requiredDropCapabilities, capabilities.drop);
  assert.deepEqual(
    [constraints.allowPrivilegedContainer, constraints.allowPrivilegeEscalation, constraints.readOnlyRootFilesystem],
    [own.privileged, own.allowPrivilegeEscalation, own.readOnlyRootFilesystem],
  );
  assert.deepEqual([constraints.allowHostNetwork, constraints.allowHostPorts], [hostNetwork, false]);
  assert.deepEqual([constraints.allowHostPID, constraints.allowHostIPC], [false, false]);
  // Beside its own there is the projected volume of the token.
  assert.ok(volumes.every(({ hostPath }) => hostPath !== undefined));
  assert.deepEqual(constraints.volumes, ['hostPath', 'projected']);
  assert.deepEqual(securityContext.seLinuxOptions, { type: 'spc_t' });
  const { rules } = findObject(objects, 'Role', 'kube-macvtap-nodeplugin-scc');
  assert.deepEqual(rules, [
    {
      apiGroups: ['security.openshift.io'],
      resources: ['securitycontextconstraints'],
      resourceNames: [constraints.metadata.name],
      verbs: ['use'],
    },
  ]);
  const binding = (all: typeof plain) =>
    (findObject(all, 'RoleBinding', 'kube-macvtap-webhook-scc').roleRef as { name: string }).name;
  assert.equal(binding(objects), 'system:openshift:scc:nonroot-v2');
  assert.match(binding(withOption("OpenShift, and the node's network for the webhook")), /hostnetwork-v2$/);
  assert.deepEqual(
    changed(objects).filter((title) => !title.endsWith('-scc')),
    ['DaemonSet kube-macvtap-nodeplugin', 'SecurityContextConstraints kube-macvtap-nodeplugin'],
  );
});
