// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { applyEdits } from '../../../cluster/objects/read-object.ts';
import type { Mutation } from '../../../policy/json.ts';
import { readConfig } from '../../../policy/nad/config/read-config.ts';
import type { NadContext, NadObject } from '../../../policy/nad/read-nad.ts';
import { defaultNad, reviewNad } from '../../../policy/nad/review-nad.ts';
import { defaultPolicy } from '../../../policy/nodepolicy/default-policy.ts';
import { reviewPolicyAdmission } from '../../../policy/nodepolicy/review-admission.ts';
import { injectPod } from '../../../policy/pod/inject-pod.ts';
import { parseNetworks } from '../../../policy/pod/parse-networks.ts';
import { type PodObject, parseDeviceCount } from '../../../policy/pod/read-pod.ts';
import { reviewPod } from '../../../policy/pod/rules.ts';
import type { Verdict } from '../../../policy/reasons.ts';
import { decodeReview } from '../../../webhook/admission/admission-review.ts';
import { parseBody } from '../../../webhook/intake/read-body.ts';
import { jsonOf, type Target, textOf } from '../target.ts';
import { networks, nodes, offers, policies, policyNamespace, resourceAnnotation, resourcePrefix } from './stage.ts';

const kinds = ['NetworkAttachmentDefinition', 'Pod', 'MacvtapNetworkNodePolicy'] as const;
const nadContext: NadContext = { offers, namespaceLabels: { team: 'b' }, unknownResource: 'Deny' };
const podContext = { ...nadContext, namespace: 'tenant', networks };
const annotations = { [resourceAnnotation]: `${resourcePrefix}dataplane` };
const config = '{\n  "cniVersion": "1.0.0",\n  "type": "macvtap",\n  "name": "net",\n  "mtu": 1500\n}';
const list = '{"plugins":[{"type":"macvtap","mac":"52:54:00:00:00:01","mode":"private"},{"type":"tuning"}],"name":"l"}';
const nad = { metadata: { name: 'net', namespace: 'tenant', annotations }, spec: { config } };
const pod = {
  metadata: { name: 'vm', annotations: { 'k8s.v1.cni.cncf.io/networks': 'dataplane, tenant/other@net2' } },
  spec: {
    containers: [{ name: 'compute', resources: { limits: { cpu: '1' }, requests: {} } }],
    initContainers: [
      { name: 'side', restartPolicy: 'Always', resources: { limits: { [`${resourcePrefix}other`]: '1k' } } },
    ],
  },
};
const policy = {
  metadata: { name: 'p', namespace: policyNamespace, generation: 1 },
  spec: {
    priority: 10,
    nodeSelector: {
      matchLabels: { zone: true, 'a/b': 1 },
      matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }],
    },
    nodeAffinity: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['h1'] }] }] },
    namespaceSelector: { matchLabels: { team: 'a' } },
    parentSelector: [
      { parentIface: 'eth1', mode: 'passthru', quantity: 1, resourceName: 'a' },
      {
        nicSelector: {
          names: ['eth[0-9]*'],
          vendorIDs: ['8086'],
          exclude: { names: ['eth0'] },
          pciAddresses: ['0000:01:00.0'],
        },
      },
    ],
  },
};
const words = [
  ...['metadata', 'spec', 'config', 'annotations', 'namespace', 'plugins', 'type', 'mode', 'mtu', 'mac', 'limits'],
  ...['requests', 'containers', 'initContainers', 'matchExpressions', 'values', 'Gt', 'NotIn', 'DoesNotExist'],
  ...['macvtap', 'bridge', 'passthru', 'eth1', 'bond1', 'other', 'absent', '1Ki', 'deletionTimestamp', '*[a-', '\\\\'],
  ...[resourceAnnotation, 'k8s.v1.cni.cncf.io/networks', 'v1.multus-cni.io/default-network', `${resourcePrefix}other`],
];

export const reviewTargets: readonly Target[] = [
  {
    name: 'admission-body',
    invariant: 'A body is refused as JSON or as a review, or has metadata and no key named __proto__.',
    shape: 'json',
    seeds: kinds.map((kind) =>
      JSON.stringify({
        kind: 'AdmissionReview',
        apiVersion: 'admission.k8s.io/v1',
        request: { uid: 'u', kind: { kind }, operation: 'UPDATE', namespace: 'tenant', object: nad, oldObject: pod },
      }),
    ),
    words: [...words, '"__proto__":{"a":1}', '"\\u005f_proto__":[]', 'CREATE', 'DELETE', 'subResource'],
    run(input) {
      let body: unknown;
      try {
        body = parseBody(textOf(input));
      } catch (thrown) {
        assert.ok(thrown instanceof SyntaxError, String(thrown));
        return;
      }
      checkKeys(body);
      for (const kind of kinds) {
        const { request, fault = '' } = decodeReview(body, kind);
        assert.ok(fault.length < 400);
        if (request?.object !== undefined) assert.equal(request.object.metadata.namespace, request.namespace);
      }
    },
  },
  {
    name: 'network-config',
    invariant:
      'Any text of a config is reviewed without an error; with defaults, it is still JSON with its own values.',
    shape: 'json',
    seeds: [config, list, '{"type":"macvtap"}'],
    words,
    run(input) {
      const text = textOf(input);
      const { config: read, fault } = readConfig(text);
      assert.equal(read === undefined, fault !== undefined);
      // The comparison is recursive, and deep values could overflow the stack, so they are not compared.
      if (read !== undefined && text.split(/[[{]/).length < 500) assert.deepEqual(read.tree, JSON.parse(text));
      checkNad({ metadata: { name: 'net', namespace: 'tenant', annotations }, spec: { config: text } });
      checkNad({ metadata: { name: 'net', namespace: 'tenant' }, spec: { config: text } });
    },
  },
  {
    name: 'network-object',
    invariant: 'Any object is reviewed as a network without an error, and a second default changes nothing.',
    shape: 'json',
    seeds: [JSON.stringify(nad), JSON.stringify({ ...nad, spec: { config: list } })],
    words,
    run: (input) => checkNad(jsonOf(input) as NadObject),
  },
  {
    name: 'networks-annotation',
    invariant: 'An annotation selects at most 1,024 networks; if it has no error, each has a name and a namespace.',
    shape: 'json',
    seeds: ['a, ns/b@net1', '[{"name":"a","namespace":"b","interface":"c"},{"NAME":"d"}]'],
    words: ['/', '@', ',', '[', '{"name":"a"}', 'Namespace', 'nameſpace'],
    run(input) {
      const { networks: selected, faults } = parseNetworks(textOf(input), 'tenant');
      assert.ok(selected.length <= 1_024 && faults.length <= 1_026);
      for (const { name, namespace } of selected) assert.ok(name !== '' && namespace !== '');
      for (const fault of faults) assert.ok(fault.length < 400, fault);
    },
  },
  {
    name: 'pod',
    invariant: 'Any object is reviewed as a pod without an error, and a second injection changes nothing.',
    shape: 'json',
    seeds: [JSON.stringify(pod)],
    words,
    run(input) {
      const object = jsonOf(input) as PodObject;
      checkVerdicts(reviewPod(object, podContext));
      checkVerdicts(reviewPod(object, { ...podContext, before: pod as unknown as PodObject }));
      checkMutation(object, (given) => injectPod(given, podContext));
    },
  },
  {
    name: 'quantity',
    invariant: 'A quantity is an integer of at least 0, or invalid.',
    shape: 'text',
    seeds: ['2', '1k', '2000m', '1e1', '+1.50Ki'],
    words: ['Ei', 'e-99', '1e+', '999999999999999999', 'n'],
    run(input) {
      const count = parseDeviceCount(textOf(input));
      assert.ok(count === undefined || (Number.isSafeInteger(count) && count >= 0));
    },
  },
  {
    name: 'policy',
    invariant: 'Any object is reviewed as a policy without an error, and a second default changes nothing.',
    shape: 'json',
    seeds: [JSON.stringify(policy)],
    words,
    run(input) {
      const object = jsonOf(input);
      const context = { policyNamespace, others: policies, nodes };
      checkVerdicts(reviewPolicyAdmission(object, context));
      checkVerdicts(reviewPolicyAdmission(object, { ...context, before: policy }));
      checkMutation(object as object, defaultPolicy);
    },
  },
];

function checkNad(object: NadObject): void {
  checkVerdicts(reviewNad(object, nadContext));
  checkVerdicts(reviewNad(object, { ...nadContext, before: nad }));
  checkMutation(object, (given) => defaultNad(given, nadContext));
}

/** Asserts that a mutation applies to the object, and that a second mutation changes nothing. */
function checkMutation<Given extends object>(object: Given, mutate: (object: Given) => Mutation): void {
  const { edits } = mutate(object);
  if (edits.length === 0) return;
  const made = applyEdits(object, edits);
  assert.deepEqual(mutate(made).edits, []);
}

/** Asserts that the size of verdicts is bounded. Their texts may quote only a part of the object. */
function checkVerdicts(verdicts: readonly Verdict[]): void {
  assert.ok(verdicts.length <= 4_096, `${verdicts.length} verdicts`);
}

function checkKeys(body: unknown): void {
  const left: unknown[] = [body];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) continue;
    assert.ok(!Object.hasOwn(value, '__proto__'));
    for (const item of Object.values(value)) left.push(item);
  }
}
