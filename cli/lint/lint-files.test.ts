// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LintOptions, lintFiles } from './lint-files.ts';

const options: LintOptions = {
  policyNamespace: 'macvtap-cni',
  multusNamespace: 'kube-system',
  unknownResource: undefined,
};
const group = 'macvtap.network.kubevirt.io';

function policy(name: string, spec: object = {}): string {
  const parentSelector = [{ parentIface: 'eth0', resourceName: name }];
  const nodeSelector = { matchLabels: { a: 'b' } };
  return JSON.stringify({
    apiVersion: `${group}/v1alpha1`,
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name, namespace: 'macvtap-cni' },
    spec: { parentSelector, nodeSelector, ...spec },
  });
}

function nad(name: string, resource: string | undefined): string {
  const annotations = resource && { 'k8s.v1.cni.cncf.io/resourceName': `${group}/${resource}` };
  const config = '{"type":"macvtap","name":"n"}';
  const metadata = { name, ...(annotations && { annotations }) };
  return JSON.stringify({
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata,
    spec: { config },
  });
}

const namespace = (name: string, labels: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });

/** Lints files as if a user had named their directory. @example `nads.yaml:3 error ResourceUnknown metadata` */
function lint(files: Readonly<Record<string, string>>, given: Partial<LintOptions & { isNamed: boolean }> = {}) {
  const { isNamed = false, ...rest } = given;
  const inputs = Object.entries(files).map(([name, text]) => ({ name, isNamed, content: { text } }));
  const { findings, judged } = lintFiles(inputs, { ...options, ...rest });
  const brief = findings.map(({ file, line, severity, code, path }) =>
    `${file}:${line} ${severity} ${code} ${path}`.trimEnd(),
  );
  return { findings, judged, brief };
}

const annotation = 'metadata.annotations[k8s.v1.cni.cncf.io/resourceName]';

describe('files that are linted together', () => {
  it('are one cluster: a network in one file is checked against the policy in another', () => {
    const files = { 'nad.yaml': nad('n', 'dataplane'), 'policy.yaml': policy('dataplane') };
    assert.deepEqual(lint(files).brief, []);
    assert.deepEqual(lint({ ...files, 'policy.yaml': policy('other') }).brief, [
      `nad.yaml:1 error ResourceUnknown ${annotation}`,
    ]);
  });

  it('are checked with defaults: a network without a resource gets the only one', () => {
    assert.deepEqual(lint({ 'a.yaml': nad('n', undefined), 'b.yaml': policy('dataplane') }).brief, []);
  });

  it('are checked with defaults: a pod is checked against the resource that its network gets', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', annotations: { 'k8s.v1.cni.cncf.io/networks': 'n' } },
      spec: { containers: [{ name: 'a' }] },
    };
    const namespaceSelector = { matchLabels: { team: 'red' } };
    const files = {
      'pod.yaml': JSON.stringify(pod),
      'nad.yaml': nad('n', undefined),
      'policy.yaml': policy('n', { namespaceSelector }),
      'namespace.yaml': namespace('default'),
    };
    assert.deepEqual(lint(files).brief, [
      'pod.yaml:1 error NamespaceNotAdmitted metadata.annotations[k8s.v1.cni.cncf.io/networks]',
      'nad.yaml:1 warning NamespaceNotAdmitted metadata.namespace',
    ]);
  });

  it('are checked with defaults: the values of a policy become strings first', () => {
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: [7] }];
    const nodeAffinity = { nodeSelectorTerms: [{ matchFields }] };
    assert.deepEqual(lint({ 'a.yaml': nad('n', 'p'), 'b.yaml': policy('p', { nodeAffinity }) }).brief, []);
  });

  it('have a finding for a repeated object, with the place of the one that counts', () => {
    const { findings, brief } = lint({ 'a.yaml': `\n${policy('p')}`, 'b.yaml': policy('p'), 'c.yaml': nad('n', 'p') });
    assert.deepEqual(brief, ['b.yaml:1 warning RepeatedObject']);
    assert.match(findings[0]?.message ?? '', /MacvtapNetworkNodePolicy macvtap-cni\/p is also in a\.yaml:2/);
  });

  it('are summarized with the number of objects that have rules', () => {
    assert.equal(
      lint({ 'a.yaml': [nad('n', 'p'), policy('p'), namespace('x'), 'kind: Other'].join('\n---\n') }).judged,
      2,
    );
  });

  it('have findings in the order of lines; on the same line, errors come before warnings', () => {
    const text = [
      'apiVersion: k8s.cni.cncf.io/v1',
      'kind: NetworkAttachmentDefinition',
      'metadata: { name: "n" }',
      `spec: { config: '{"modus": 1, "type": "macvtap", "mtu": 1}' }`,
    ].join('\n');
    assert.deepEqual(lint({ 'b.yaml': text, 'a.yaml': 'a: [', 'p.yaml': policy('n') }).brief, [
      'b.yaml:4 error IllegalMtu spec.config.mtu',
      'b.yaml:4 warning UnknownKey spec.config.modus',
      'a.yaml:1 error NotYAML',
    ]);
  });
});

describe('an object that the files do not contain', () => {
  it('causes only a warning for a network if the files offer no resource, unless a flag sets that', () => {
    const files = { 'a.yaml': nad('n', 'dataplane'), 'b.yaml': nad('m', undefined) };
    const lines = (severity: string) => [
      `a.yaml:1 ${severity} ResourceUnknown ${annotation}`,
      `b.yaml:1 ${severity} ResourceMissing ${annotation}`,
    ];
    assert.deepEqual(lint(files).brief, lines('warning'));
    for (const { message } of lint(files).findings) assert.match(message, /together with the policies/);
    assert.deepEqual(lint(files, { unknownResource: 'Deny' }).brief, lines('error'));
    assert.deepEqual(lint(files, { unknownResource: 'Allow' }).brief, lines('error').slice(1));
  });

  it('may be the Node: policies offer resources without it', () => {
    assert.deepEqual(lint({ 'a.yaml': nad('n', 'typo'), 'b.yaml': policy('p') }, { unknownResource: 'Warn' }).brief, [
      `a.yaml:1 warning ResourceUnknown ${annotation}`,
    ]);
  });

  it('may be the Namespace: without it, a pod only gets a warning', () => {
    const limits = { [`${group}/p`]: 1 };
    const pod = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'tenant' },
      spec: { containers: [{ name: 'a', resources: { limits, requests: limits } }] },
    });
    const files = { 'a.yaml': pod, 'p.yaml': policy('p', { namespaceSelector: { matchLabels: { team: 'red' } } }) };
    const place = `spec.containers[0].resources.limits[${group}/p]`;
    const { brief, findings } = lint(files);
    assert.deepEqual(brief, [`a.yaml:1 warning NamespaceUnknown ${place}`]);
    assert.match(findings[0]?.message ?? '', /add the Namespace/);
    assert.deepEqual(lint({ ...files, 'n.yaml': namespace('tenant') }).brief, [
      `a.yaml:1 error NamespaceNotAdmitted ${place}`,
    ]);
    assert.deepEqual(lint({ ...files, 'n.yaml': namespace('tenant', { team: 'red' }) }).brief, []);
    const byName = policy('p', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'tenant' } } });
    assert.deepEqual(lint({ ...files, 'p.yaml': byName, 'n.yaml': namespace('tenant') }).brief, []);
  });

  it('may be the Node of a NodeState: the resources of the state still count', () => {
    const state = {
      apiVersion: `${group}/v1alpha1`,
      kind: 'MacvtapNetworkNodeState',
      metadata: { name: 'h1' },
      status: { resources: [{ name: 'eth0', parent: 'eth0', mode: 'bridge', source: 'implicit', quantity: 1 }] },
    };
    assert.deepEqual(lint({ 'a.yaml': nad('n', 'eth0'), 's.yaml': JSON.stringify(state) }).brief, []);
  });
});

/** Workload kinds with the paths of their pod templates. */
const makers = [
  ['v1', 'Pod', ''],
  ['v1', 'ReplicationController', 'spec.template.'],
  ['v1', 'PodTemplate', 'template.'],
  ['apps/v1', 'Deployment', 'spec.template.'],
  ['apps/v1', 'ReplicaSet', 'spec.template.'],
  ['apps/v1', 'StatefulSet', 'spec.template.'],
  ['apps/v1', 'DaemonSet', 'spec.template.'],
  ['batch/v1', 'Job', 'spec.template.'],
  ['batch/v1', 'CronJob', 'spec.jobTemplate.spec.template.'],
] as const;

describe('a workload', () => {
  for (const [apiVersion, kind, prefix] of makers) {
    it(`is checked by its pod template, with the place in the file: ${kind}`, () => {
      const keys = prefix.split('.').slice(0, -1);
      const lines = keys.map((key, depth) => `${'  '.repeat(depth)}${key}:`);
      const indent = '  '.repeat(keys.length);
      const own = kind === 'Pod' ? [] : ['metadata: { name: a, namespace: vms }'];
      const name = kind === 'Pod' ? [`${indent}  name: a`, `${indent}  namespace: vms`] : [];
      const text = [
        `apiVersion: ${apiVersion}`,
        `kind: ${kind}`,
        ...own,
        ...lines,
        `${indent}metadata:`,
        ...name,
        `${indent}  annotations:`,
        `${indent}    k8s.v1.cni.cncf.io/networks: nowhere`,
        `${indent}spec: { containers: [{ name: a }] }`,
      ];
      const { brief, findings } = lint({ 'a.yaml': text.join('\n') });
      const line = text.findIndex((each) => each.includes('nowhere')) + 1;
      assert.deepEqual(brief, [
        `a.yaml:${line} warning NetworkMissing ${prefix}metadata.annotations[k8s.v1.cni.cncf.io/networks]`,
      ]);
      assert.equal(findings[0]?.object, `${kind} vms/a`);
      assert.match(findings[0]?.message ?? '', /vms\/nowhere/);
    });
  }

  it('is ignored without a template, or with the same kind in another group', () => {
    for (const text of [
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec: []',
      'apiVersion: example.com/v1\nkind: Pod\nmetadata: { name: a, annotations: { k8s.v1.cni.cncf.io/networks: "/" } }',
    ])
      assert.deepEqual(lint({ 'a.yaml': text }), { findings: [], brief: [], judged: 0 });
  });
});

describe('an object that an API server would reject', () => {
  it('has a finding with its line for each invalid field, in addition to those of the rules', () => {
    const text = [
      `apiVersion: ${group}/v1alpha1`,
      'kind: MacvtapNetworkNodePolicy',
      'metadata:',
      '  name: p',
      '  namespace: macvtap-cni',
      '  labels:',
      '    a.b/c: true',
      'spec:',
      '  nodeSelector: { matchLabels: { a: b } }',
      '  parentSelector:',
      '    - parentIface: eth0',
      '      quantitty: 3',
      '    - mode: passthru',
      '      quantity: 2',
      '    - parentIface: eth1',
      '      mode: vpea',
    ].join('\n');
    assert.deepEqual(lint({ 'p.yaml': text.replace('vpea', 'vepa') }).brief, [
      'p.yaml:7 error SchemaFault metadata.labels.a.b/c',
      'p.yaml:12 error SchemaFault spec.parentSelector[0].quantitty',
      'p.yaml:13 error ParentAmbiguous spec.parentSelector[1]',
      'p.yaml:14 error PassthruQuantity spec.parentSelector[1].quantity',
    ]);
    assert.ok(lint({ 'p.yaml': text }).brief.includes('p.yaml:16 error SchemaFault spec.parentSelector[2].mode'));
  });

  it('has a single finding, whose message does not repeat the path', () => {
    const { findings } = lint({ 'p.yaml': policy('p', { priority: 100 }) });
    assert.deepEqual(
      findings.map(({ path, message }) => [path, message]),
      [['spec.priority', 'does not match the schema (write a number from 0 to 99)']],
    );
  });

  it('has the finding of the rule, if that is more exact for the same path', () => {
    const parentSelector = [{ parentIface: 'eth0', resourceName: 'a/b' }];
    assert.deepEqual(lint({ 'p.yaml': policy('p', { parentSelector }) }).brief, [
      'p.yaml:1 error IllegalResourceName spec.parentSelector[0].resourceName',
    ]);
  });

  it('also has a finding if its kind has no rules', () => {
    const state = `apiVersion: ${group}/v1alpha1\nkind: MacvtapNetworkNodeState\nmetadata: { name: h1 }\nstatus:\n  nodes: 1\n`;
    const unknown = `apiVersion: ${group}/v1alpha1\nkind: MacvtapNetworkNodePolicie\nmetadata: { name: h1 }\n`;
    const wrong = nad('n', 'p').replace('cncf.io/v1"', 'cncf.io/v2"');
    assert.deepEqual(lint({ 's.yaml': state, 'u.yaml': unknown, 'w.yaml': wrong, 'p.yaml': policy('p') }).brief, [
      's.yaml:5 error SchemaFault status.nodes',
      'u.yaml:2 error SchemaFault kind',
      'w.yaml:1 error SchemaFault apiVersion',
    ]);
  });

  it('has a separate code for the explicit configuration', () => {
    const metadata = '{ name: macvtap-deviceplugin-config, namespace: macvtap-cni }';
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: ${metadata}\ndata:\n  DP_MACVTAP_CONF: "[{]"\n`;
    assert.deepEqual(lint({ 'c.yaml': text }).brief, ['c.yaml:5 error ExplicitInvalid data.DP_MACVTAP_CONF']);
  });

  it('may have no name if the API server generates it', () => {
    const text = nad('n', 'p').replace('"name":"n"', '"generateName":"n-"');
    const { brief, findings } = lint({ 'a.yaml': text, 'p.yaml': policy('q') });
    assert.deepEqual(brief, [`a.yaml:1 error ResourceUnknown ${annotation}`]);
    assert.equal(findings[0]?.object, 'NetworkAttachmentDefinition default/n-*');
  });
});

describe('a file without manifests', () => {
  const files = { 'package.json': '{"name": "x"}', 'values.yaml': '- 1', 'text.yaml': 'text' };

  it('is ignored in a directory', () => assert.deepEqual(lint(files).brief, []));

  it('has a finding if the command line names it', () => {
    assert.deepEqual(lint(files, { isNamed: true }).brief, [
      'package.json:1 error SchemaFault kind',
      'values.yaml:1 error SchemaFault',
      'text.yaml:1 error SchemaFault',
    ]);
  });

  it('has an error if it is not YAML, but a template in a directory has only a warning with the next step', () => {
    const { brief, findings } = lint({ 'a.yaml': 'a: [', 'b.yaml': '{{- if .Values.x }}\na: b\n{{- end }}\n' });
    assert.deepEqual(brief, ['a.yaml:1 error NotYAML', 'b.yaml:1 warning NotYAML']);
    assert.match(findings[1]?.message ?? '', /helm template/);
    assert.deepEqual(lint({ 'b.yaml': '{{- if }}\na: b' }, { isNamed: true }).brief, ['b.yaml:1 error NotYAML']);
  });

  it('has an error if it is nested too deeply or cannot be opened', () => {
    assert.deepEqual(lint({ 'a.yaml': '['.repeat(200_000) }).brief, ['a.yaml:1 error NotYAML']);
    const { findings } = lintFiles([{ name: 'x', isNamed: true, content: { fault: 'gone' } }], options);
    assert.deepEqual(
      findings.map(({ file, code, message }) => [file, code, message]),
      [['x', 'FileUnreadable', 'the file cannot be read (gone)']],
    );
  });

  it('is still checked if it has another, invalid document', () => {
    assert.deepEqual(lint({ 'a.yaml': `a: [\n---\n${nad('n', 'typo')}`, 'p.yaml': policy('p') }).brief.slice(-1), [
      `a.yaml:3 error ResourceUnknown ${annotation}`,
    ]);
  });
});

describe('a List that kubectl printed', () => {
  it('is checked item by item, and each finding has the line in the List', () => {
    const item = (name: string) => `  - ${nad(name, 'p')}`;
    const text = ['apiVersion: v1', 'kind: List', 'items:', item('a'), item('b').replace('p"', 'q"')].join('\n');
    assert.deepEqual(lint({ 'a.yaml': text, 'p.yaml': policy('p') }).brief, [
      `a.yaml:5 error ResourceUnknown ${annotation}`,
    ]);
  });
});

describe('hostile objects', () => {
  for (const text of [
    'kind: Pod\napiVersion: v1\nmetadata: []',
    'kind: Pod\napiVersion: v1\nmetadata: { namespace: 5, name: [] }\nspec: { containers: [null, 5] }',
    'kind: NetworkAttachmentDefinition\nmetadata: { annotations: 5 }\nspec: 5',
    'kind: NetworkAttachmentDefinition\nmetadata: { name: a }\nspec: { config: { type: macvtap } }',
    'kind: MacvtapNetworkNodePolicy\nmetadata: { name: a }\nspec: { parentSelector: 5 }',
    'kind: CronJob\napiVersion: batch/v1\nmetadata: {}\nspec: { jobTemplate: { spec: { template: { metadata: 5, spec: 5 } } } }',
    'kind: List\nitems: [null, 1, {}]',
    'kind: {}\nmetadata: {}',
    '!!binary aGk=',
    '? [a]\n: b',
  ]) {
    it(`are checked without an exception: ${JSON.stringify(text)}`, () => {
      const { findings } = lint({ 'a.yaml': text }, { isNamed: true });
      for (const { line } of findings) assert.ok(line >= 1);
    });
  }
});
