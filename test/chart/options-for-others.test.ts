// SPDX-License-Identifier: Apache-2.0
// Tests the chart's objects for cert-manager, OpenShift and the Prometheus operator.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { parse } from 'yaml';
import { options } from './options.ts';
import { podTemplateOf } from './pod-spec.ts';
import { findObject } from './render-chart.ts';
import { chartFolder, helms, runHelm } from './run-helm.ts';
import { changed, node, type plain, specOf, webhook, withOption } from './shown-objects.ts';

it('a ServiceMonitor scrapes the Service, and is refused if the Service cannot reach the metrics', () => {
  const objects = withOption('metrics only for Prometheus');
  const { metadata, spec } = findObject(objects, 'ServiceMonitor');
  assert.equal((metadata.labels as Record<string, string>).release, 'prometheus');
  const { selector, endpoints } = spec as { selector: object; endpoints: readonly object[] };
  const relabelings = [{ targetLabel: 'job', replacement: 'kube-macvtap-webhook' }];
  assert.deepEqual(endpoints, [{ port: 'metrics', path: '/metrics', interval: '10s', relabelings }]);
  const labels = findObject(objects, 'Service').metadata.labels as Record<string, string>;
  const { matchLabels } = selector as { matchLabels: Record<string, string> };
  for (const [key, value] of Object.entries(matchLabels)) assert.equal(labels[key], value);
  for (const helm of helms) {
    const sets = ['--set', 'serviceMonitor.enabled=true,webhook.hostNetwork=true'];
    assert.match(runHelm(helm, ['template', 'x', chartFolder, ...sets]).stderr, /metrics are on the node's loopback/);
  }
});

it('a PodMonitor scrapes the node plugins, and is refused if they listen on loopback', () => {
  const objects = withOption('metrics of nodes, alerts and a dashboard');
  const { metadata, spec } = findObject(objects, 'PodMonitor');
  assert.equal((metadata.labels as Record<string, string>).release, 'prometheus');
  const { selector, podMetricsEndpoints } = spec as {
    selector: { matchLabels: object };
    podMetricsEndpoints: readonly { port: string; interval: string; relabelings: readonly object[] }[];
  };
  const daemonSet = findObject(objects, 'DaemonSet');
  const { spec: plugin } = podTemplateOf(daemonSet);
  assert.deepEqual(selector.matchLabels, (daemonSet.spec as { selector: typeof selector }).selector.matchLabels);
  const [{ ports = [], args }] = plugin.containers;
  assert.deepEqual(ports, [{ name: 'metrics', containerPort: 9444, protocol: 'TCP' }]);
  assert.ok(args.includes('--metrics-listen=:9444'));
  const [endpoint, ...more] = podMetricsEndpoints;
  assert.deepEqual([endpoint?.port, endpoint?.interval, more], ['metrics', '20s', []]);
  assert.deepEqual(endpoint?.relabelings[0], { targetLabel: 'job', replacement: 'kube-macvtap-nodeplugin' });
  for (const helm of helms) {
    const { stderr } = runHelm(helm, ['template', 'x', chartFolder, '--set', 'podMonitor.enabled=true']);
    assert.match(stderr, /podMonitor.enabled without node.metricsOnNode/);
  }
});

it('the alerts and the dashboard are the same as in the files for Prometheus and Grafana', () => {
  const objects = withOption('metrics of nodes, alerts and a dashboard');
  const rule = findObject(objects, 'PrometheusRule');
  const read = (file: string) => readFileSync(join(chartFolder, 'monitoring', file), 'utf8');
  // The base URL of the runbooks is a value of the chart, because the project publishes no pages.
  assert.deepEqual(
    rule.spec,
    parse(read('alerts.yaml').replaceAll('runbook_url: docs/', 'runbook_url: https://git.example.com/macvtap/docs/')),
  );
  assert.equal((rule.metadata.labels as Record<string, string>).release, 'prometheus');
  const { metadata, data } = findObject(objects, 'ConfigMap', 'kube-macvtap-dashboard');
  assert.deepEqual(
    JSON.parse((data as Record<string, string>)['kube-macvtap.json'] ?? ''),
    JSON.parse(read('dashboard.json')),
  );
  const { grafana_dashboard, dashboards } = metadata.labels as Record<string, string>;
  assert.deepEqual([grafana_dashboard, dashboards], ['1', 'mine']);
  assert.deepEqual(changed(objects), [
    'ConfigMap kube-macvtap-dashboard',
    'DaemonSet kube-macvtap-nodeplugin',
    'PodMonitor kube-macvtap-nodeplugin',
    'PrometheusRule kube-macvtap',
  ]);
});

it('with cert-manager the webhook reads files, changes neither Secrets nor configurations, and cert-manager writes the bundles', () => {
  const objects = withOption('cert-manager');
  const [{ args, volumeMounts = [] }] = webhook(objects).containers;
  assert.ok(args.includes('--certificates=files'));
  const directory = args.find((arg) => arg.startsWith('--cert-dir='))?.split('=')[1];
  assert.deepEqual(
    volumeMounts.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
    [
      ['/etc/kube-macvtap/log-level', true],
      [directory, true],
    ],
  );
  const certificate = specOf<{ secretName: string; dnsNames: readonly string[]; issuerRef: { name: string } }>(
    objects,
    'Certificate',
    'kube-macvtap-webhook',
  );
  const volume = webhook(objects).volumes?.find(({ name }) => name === 'certificate');
  assert.equal((volume as unknown as { secret: { secretName: string } }).secret.secretName, certificate.secretName);
  assert.ok(certificate.dnsNames.includes('kube-macvtap-webhook.macvtap-cni.svc'));
  findObject(objects, 'Issuer', certificate.issuerRef.name);
  const annotations = objects
    .filter(({ kind }) => kind.endsWith('WebhookConfiguration'))
    .map(({ metadata }) => metadata.annotations);
  const inject = { 'cert-manager.io/inject-ca-from': 'macvtap-cni/kube-macvtap-webhook' };
  assert.deepEqual(annotations, [inject, inject]);
  assert.ok(!objects.some(({ kind }) => kind === 'Secret'));
  const rules = objects
    .filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name === 'kube-macvtap-webhook')
    .flatMap((role) => role.rules as readonly { resources: readonly string[]; verbs: readonly string[] }[]);
  const writes = rules.filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)));
  assert.deepEqual(
    writes.flatMap(({ resources }) => resources),
    ['events', 'macvtapnetworknodepolicies/status', 'leases'],
  );

  const issued = withOption('cert-manager with an issuer of the cluster');
  assert.equal(issued.filter(({ kind }) => kind === 'Issuer').length, 0);
  assert.deepEqual(
    specOf<{ issuerRef: object }>(issued, 'Certificate').issuerRef,
    options['cert-manager with an issuer of the cluster'].certManager.issuerRef,
  );
});

it('on OpenShift, the node plugin may use constraints that grant exactly what its DaemonSet needs', () => {
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
  // Kubernetes adds a projected volume with the token to the pod's own volumes, so the constraints must allow it.
  assert.deepEqual(
    volumes.filter(({ hostPath }) => hostPath === undefined).map(({ name }) => name),
    ['log-level'],
  );
  assert.deepEqual(constraints.volumes, ['configMap', 'hostPath', 'projected']);
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
