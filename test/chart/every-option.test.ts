// SPDX-License-Identifier: Apache-2.0
// Tests the properties of the chart that hold for all values.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePluginLine } from '../../nodeplugin/config.ts';
import { readFlags } from '../../runtime/read-flags.ts';
import { webhookLine } from '../../webhook/config.ts';
import { isWebhookConfiguration } from '../apiserver/shipped-objects.ts';
import { optionNames, options } from './options.ts';
import { type Labels, podTemplateOf } from './pod-spec.ts';
import { findObject, renderChart } from './render-chart.ts';
import { chartFolder, helms, mustRunHelm } from './run-helm.ts';

/** Kinds without a namespace, among those that the chart creates. */
const clusterScoped = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'SecurityContextConstraints',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
]);

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Objects whose names are not known in advance, and the ValidatingAdmissionPolicy that restricts their writers. */
const limitedWrites: Readonly<Record<string, string>> = {
  events: 'own-events',
  resourceslices: 'own-resource-slices',
  deviceclasses: 'own-device-classes',
};

const programs = [
  { kind: 'Deployment', line: webhookLine, environment: {} },
  { kind: 'DaemonSet', line: nodePluginLine, environment: { KUBE_MACVTAP_NODE_NAME: 'n1' } },
] as const;

for (const name of optionNames) {
  describe(`with ${name}`, () => {
    const values = options[name];
    const namespace = 'elsewhere';
    const objects = renderChart({ values, namespace });

    for (const helm of helms) {
      it(`${helm} lint finds no problems`, () => {
        const args = ['lint', '--strict', '--namespace', namespace, '--values', '-', chartFolder];
        assert.match(
          mustRunHelm(helm, args, { stdin: JSON.stringify(values) }),
          /1 chart\(s\) linted, 0 chart\(s\) failed/,
        );
      });
    }

    it('both versions of Helm render the same objects', () => {
      const sorted = (all: typeof objects) => all.map((object) => JSON.stringify(object)).toSorted();
      assert.deepEqual(sorted(renderChart({ values, namespace, helm: 'helm3' })), sorted(objects));
    });

    it('every object occurs once, and is in the namespace of the release or in none', () => {
      for (const { kind, metadata } of objects) {
        assert.equal(metadata.namespace, clusterScoped.has(kind) ? undefined : namespace, `${kind} ${metadata.name}`);
      }
      const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      assert.deepEqual(ids, [...new Set(ids)]);
      assert.doesNotMatch(JSON.stringify(objects), /macvtap-cni/);
    });

    it('every flag is one that the program accepts', () => {
      for (const { kind, line, environment } of programs) {
        const { args, env = [] } = podTemplateOf(findObject(objects, kind)).spec.containers[0];
        const named = env
          .filter((variable) => variable.name.startsWith('KUBE_MACVTAP_'))
          .map((variable) => variable.name);
        assert.deepEqual(named, Object.keys(environment), 'variables');
        const parsed = readFlags<typeof line.flags>(line, args, environment);
        assert.ok('values' in parsed && parsed.values.namespace === namespace);
        assert.equal(new Set(args.map((arg) => arg.split('=')[0])).size, args.length, `a flag twice: ${args}`);
      }
    });

    it('no right is a wildcard, and objects outside the CRDs are changed only by name', () => {
      const rules = objects
        .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
        .flatMap(({ rules }) => rules as readonly Rule[]);
      assert.ok(rules.length > 5);
      for (const { apiGroups, resources, verbs, resourceNames = [] } of rules) {
        const rule = JSON.stringify({ apiGroups, resources, verbs, resourceNames });
        assert.ok(![...apiGroups, ...resources, ...verbs, ...resourceNames].includes('*'), rule);
        const reads = verbs.every((verb) => ['get', 'list', 'watch'].includes(verb));
        const isOurs = apiGroups.every((group) => group === 'macvtap.network.kubevirt.io');
        // Events are in all namespaces, under generated names. A ValidatingAdmissionPolicy restricts which events may
        // be written.
        const isEvents = resources.join() === 'events' && verbs.join() === 'create,patch';
        const isLimited = isEvents || Object.keys(limitedWrites).includes(resources.join());
        assert.ok((reads && !resources.includes('secrets')) || isOurs || isLimited || resourceNames.length > 0, rule);
      }
      const holders = objects.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
      for (const [resource, name] of Object.entries(limitedWrites)) {
        if (!rules.some(({ resources }) => resources.includes(resource))) continue;
        findObject(holders, 'ValidatingAdmissionPolicy', `${name}.macvtap.network.kubevirt.io`);
      }
    });

    it('no container is privileged or can gain privileges, and all capabilities are written out', () => {
      const expected = { Deployment: { user: 65_532, add: undefined }, DaemonSet: { user: 0, add: ['NET_ADMIN'] } };
      for (const { kind } of programs) {
        const { hostPID, hostIPC, containers, securityContext } = podTemplateOf(findObject(objects, kind)).spec;
        const [{ securityContext: own }] = containers;
        assert.deepEqual([hostPID, hostIPC, containers.length], [undefined, undefined, 1]);
        assert.deepEqual(
          {
            user: securityContext.runAsUser,
            seccomp: securityContext.seccompProfile,
            ...own,
          },
          {
            user: expected[kind].user,
            seccomp: { type: 'RuntimeDefault' },
            privileged: false,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'], ...(expected[kind].add && { add: expected[kind].add }) },
          },
        );
      }
    });

    it('the chart leaves out the fields that the webhook writes: no caBundle, and nothing in the Secret', () => {
      assert.doesNotMatch(JSON.stringify(objects), /caBundle/);
      for (const object of objects.filter(({ kind }) => kind === 'Secret')) {
        assert.deepEqual([object.data, object.stringData], [undefined, undefined]);
      }
    });

    it('selectors match the intended pods, and service accounts exist', () => {
      for (const { kind } of programs) {
        const object = findObject(objects, kind);
        const { metadata, spec } = podTemplateOf(object);
        const { matchLabels } = (object.spec as { selector: { matchLabels: Labels } }).selector;
        assert.ok(Object.entries(matchLabels).every(([key, value]) => metadata.labels[key] === value));
        findObject(objects, 'ServiceAccount', spec.serviceAccountName);
      }
      const { matchLabels } = (findObject(objects, 'Deployment').spec as { selector: { matchLabels: Labels } })
        .selector;
      const selectors = objects
        .filter(({ kind }) => ['PodDisruptionBudget', 'NetworkPolicy', 'Service'].includes(kind))
        .map(
          ({ spec }) => spec as { selector?: Labels & { matchLabels?: Labels }; podSelector?: { matchLabels: Labels } },
        )
        .map(({ selector, podSelector }) => podSelector?.matchLabels ?? selector?.matchLabels ?? selector);
      assert.ok(selectors.length >= 2);
      for (const selector of selectors) assert.deepEqual(selector, matchLabels);
    });

    it('CRDs stay when the release is uninstalled, and webhooks call the Service that the chart creates', () => {
      const kinds = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
      assert.equal(kinds.length, 2);
      for (const { metadata } of kinds) {
        assert.deepEqual(metadata.annotations, { 'helm.sh/resource-policy': 'keep' });
      }
      const { metadata, spec } = findObject(objects, 'Service');
      const { ports } = spec as { ports: readonly { name: string; port: number }[] };
      assert.ok(ports.some(({ name, port }) => name === 'https' && port === 443));
      for (const { webhooks } of objects.filter(isWebhookConfiguration)) {
        for (const { clientConfig } of webhooks) {
          const { service } = clientConfig as { service: { name: string; namespace: string } };
          assert.deepEqual([service.name, service.namespace], [metadata.name, namespace]);
        }
      }
    });
  });
}
