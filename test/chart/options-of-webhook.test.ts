// SPDX-License-Identifier: Apache-2.0
// Tests the options of the webhook: what they change, and that they change nothing else.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readFlags } from '../../runtime/read-flags.ts';
import { webhookLine } from '../../webhook/config.ts';
import { options } from './options.ts';
import { renderChart } from './render-chart.ts';
import { argsOf, changed, configurations, plain, specOf, webhook, withOption } from './shown-objects.ts';

it('a webhook pod that is deleted has enough time to drain and to end', () => {
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

it('each failure policy is set on the webhook that the option names', () => {
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

it("a webhook on the node's network serves metrics on loopback, and probes use loopback", () => {
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
  // There is no NetworkPolicy, because it has no effect on pods in the host network. The Service has no port for the
  // metrics, because it cannot reach loopback.
  assert.ok(changed(objects).includes('NetworkPolicy kube-macvtap-webhook'));
  const { ports } = specOf<{ ports: readonly { name: string }[] }>(objects, 'Service');
  assert.deepEqual(
    ports.map(({ name }) => name),
    ['https'],
  );
  const rolling = specOf<{ strategy: { rollingUpdate: object } }>(objects, 'Deployment').strategy.rollingUpdate;
  assert.deepEqual(rolling, { maxUnavailable: 1, maxSurge: 0 });
});

it('a further flag overrides the same flag of the chart, for example on nodes that were booted without IPv6', () => {
  const extraArgs = ['--listen=0.0.0.0:8443', '--metrics-listen=0.0.0.0:9443'];
  const parsed = readFlags(webhookLine, argsOf(webhook(renderChart({ values: { webhook: { extraArgs } } }))), {});
  assert.ok('values' in parsed);
  assert.deepEqual(parsed.values.listen, { host: '0.0.0.0', port: 8443 });
  assert.deepEqual(parsed.values['metrics-listen'], { host: '0.0.0.0', port: 9443 });
});

it('network policies allow two ports to the webhook, and connections to API servers, unless they are disabled', () => {
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
  const limited = specOf<NetworkPolicy>(withOption('metrics only for Prometheus'), 'NetworkPolicy');
  assert.deepEqual(
    limited.ingress.map(({ from }) => from),
    [undefined, options['metrics only for Prometheus'].networkPolicy.metricsFrom],
  );
  assert.deepEqual(portsOf(limited.egress), [8443]);
  assert.deepEqual(changed(withOption('no network policy')), ['NetworkPolicy kube-macvtap-webhook']);
});

it('webhook pods are spread over nodes if possible, and a drain evicts one pod at a time', () => {
  interface Term {
    readonly podAffinityTerm: { readonly topologyKey: string; readonly labelSelector: object };
  }
  const { podAntiAffinity } = webhook(plain).affinity ?? {};
  const { preferredDuringSchedulingIgnoredDuringExecution: terms = [] } = podAntiAffinity as {
    preferredDuringSchedulingIgnoredDuringExecution?: readonly Term[];
  };
  const { matchLabels } = specOf<{ selector: { matchLabels: object } }>(plain, 'Deployment').selector;
  assert.deepEqual(
    terms.map(({ podAffinityTerm }) => podAffinityTerm),
    [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels } }],
  );
  const budget = specOf<{ maxUnavailable: number; unhealthyPodEvictionPolicy: string }>(plain, 'PodDisruptionBudget');
  assert.deepEqual([budget.maxUnavailable, budget.unhealthyPodEvictionPolicy], [1, 'AlwaysAllow']);
  assert.equal(webhook(plain).priorityClassName, 'system-cluster-critical');
});

it('with a ConfigMap of client CAs, only clients with a certificate are served', () => {
  const objects = withOption('reviews only of API servers with a certificate');
  const spec = webhook(objects);
  const flags = argsOf(spec).filter((arg) => arg.startsWith('--client'));
  assert.deepEqual(flags, [
    '--client-ca-file=/etc/kube-macvtap/client-ca/ca.crt',
    '--client-names=kube-apiserver-webhooks',
  ]);
  const volume = spec.volumes?.find(({ name }) => name === 'client-ca');
  assert.deepEqual(volume, { name: 'client-ca', configMap: { name: 'apiserver-client-ca' } });
  const mount = spec.containers[0].volumeMounts?.find(({ name }) => name === 'client-ca');
  assert.deepEqual(mount, { name: 'client-ca', mountPath: '/etc/kube-macvtap/client-ca', readOnly: true });
  assert.deepEqual(changed(objects), ['Deployment kube-macvtap-webhook']);
});

it('with addresses of API servers, reviews are accepted only from them, and metrics from anywhere as before', () => {
  const objects = withOption('reviews only from the addresses of API servers');
  const { ingress } = specOf<{ ingress: readonly { from?: readonly object[] }[] }>(objects, 'NetworkPolicy');
  const { reviewsFrom } = options['reviews only from the addresses of API servers'].networkPolicy;
  assert.deepEqual(
    ingress.map(({ from }) => from),
    [reviewsFrom, undefined],
  );
  assert.deepEqual(changed(objects), ['NetworkPolicy kube-macvtap-webhook']);
});

it('TLS versions and cipher suites are passed as flags', () => {
  assert.ok(argsOf(webhook(plain)).includes('--tls-min-version=VersionTLS12'));
  assert.ok(!argsOf(webhook(plain)).some((flag) => flag.startsWith('--tls-cipher-suites')));
  const expected = {
    'TLS 1.3 only': '--tls-min-version=VersionTLS13',
    'two cipher suites': '--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,ECDHE-ECDSA-AES256-GCM-SHA384',
  } as const;
  for (const [name, flag] of Object.entries(expected)) {
    const objects = withOption(name as keyof typeof expected);
    assert.ok(argsOf(webhook(objects)).includes(flag), flag);
    assert.deepEqual(changed(objects), ['Deployment kube-macvtap-webhook']);
  }
});
