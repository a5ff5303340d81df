// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readWatchEvent } from '../../../cluster/api/watch-stream.ts';
import { parseDocuments } from '../../../cluster/manifests/parse-documents.ts';
import { readObject } from '../../../cluster/objects/read-object.ts';
import { readExplicit } from '../../../policy/plan/from-explicit.ts';
import { compileGlob } from '../../../policy/plan/match-nic.ts';
import { planNode } from '../../../policy/plan/plan-node.ts';
import { nic } from '../../fixtures/plan/build-example.ts';
import { jsonOf, type Target, textOf } from '../target.ts';
import { policyNamespace } from './stage.ts';

const policyText = `apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicy
metadata: {name: p, namespace: ${policyNamespace}, labels: {a: "1"}}
spec:
  nodeSelector:
    matchLabels: &labels {zone: yes}
  namespaceSelector: {matchLabels: *labels}
  parentSelector:
    - parentIface: eth1
      mode: bridge
      quantity: 0x10
    - nicSelector: {names: ['eth*']}
      resourceName: >-
        folded
---
apiVersion: v1
kind: ConfigMap
metadata: {name: macvtap-deviceplugin-config, namespace: ${policyNamespace}}
data:
  DP_MACVTAP_CONF: |
    [{"name": "a", "lowerDevice": "eth0", "mode": "bridge", "capacity": 5}]
`;
const interfaces = ['eth0', 'eth1', 'bond1'].map((name) => nic(name));

export const objectTargets: readonly Target[] = [
  {
    name: 'manifests',
    invariant:
      'Any text is read as documents: each is an object, a list of errors, or ignored; reported lines are in the text.',
    shape: 'text',
    seeds: [policyText, JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1', labels: {} } })],
    words: [
      '---\n',
      '- ',
      ': ',
      '&a ',
      '*a',
      '<<: *labels',
      '!!binary ',
      '? ',
      '|2-\n',
      '%YAML 1.1\n',
      '\t',
      '[[',
      '__proto__: ',
    ],
    run(input) {
      const text = textOf(input);
      const lines = text.split(/\r\n|\r|\n/).length;
      for (const { content, line, lineOf, textAt } of parseDocuments(text)) {
        assert.ok(line >= 1 && line <= lines);
        if (!('value' in content)) continue;
        const read = readObject(content.value, policyNamespace);
        for (const { path } of read?.faults ?? []) {
          assert.ok(lineOf(path) >= 1 && lineOf(path) <= lines);
          textAt(path);
        }
      }
    },
  },
  {
    name: 'explicit-config',
    invariant: 'The explicit configuration is read or has an error, and its plan names only existing interfaces.',
    shape: 'json',
    seeds: ['[{"name":"a","lowerDevice":"eth0","mode":"bridge","capacity":5},{"name":"b","LowerDevice":"eth1"}]'],
    words: ['passthru', 'capacity', 'bond1', 'mode'],
    run(input) {
      const explicit = readExplicit(textOf(input));
      const { resources } = planNode({ name: 'h1', labels: {} }, interfaces, {
        policies: [],
        explicit,
        implicit: undefined,
      });
      for (const { parent } of resources) assert.ok(interfaces.some(({ name }) => name === parent));
    },
  },
  {
    name: 'watch-line',
    invariant: 'Any line of a watch is an event or malformed; an event about an object has its name and version.',
    shape: 'json',
    seeds: [
      '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}',
      '{"type":"ERROR","object":{"code":410,"message":"too old"}}',
    ],
    words: ['MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR', 'resourceVersion'],
    run(input) {
      const event = readWatchEvent(textOf(input));
      if (event.type === 'set' || event.type === 'delete') assert.equal(typeof event.object.metadata.name, 'string');
      if (event.type === 'error') assert.ok(!Number.isNaN(event.status));
    },
  },
  {
    name: 'glob',
    invariant: 'Any pattern compiles or has an error; without special characters, it matches only itself.',
    shape: 'json',
    seeds: ['["eth[0-9]*","eth0"]', '["!a?\\\\*[!b-d]","xa*e"]'],
    words: ['*', '?', '[', ']', '[!', '-', '\\', '****a'],
    run(input) {
      const value = jsonOf(input);
      const [pattern, text] = Array.isArray(value) ? value : [];
      if (typeof pattern !== 'string' || typeof text !== 'string' || pattern.length > 64 || text.length > 256) return;
      const glob = compileGlob(pattern);
      if (!('matches' in glob)) return;
      const isMatch = glob.matches(text);
      if (!/[*?[\\]/.test(pattern)) assert.equal(isMatch, pattern === text);
      if (/^\*+$/.test(pattern)) assert.ok(isMatch);
    },
  },
];
