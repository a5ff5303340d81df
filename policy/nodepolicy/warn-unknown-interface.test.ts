// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import type { ParentEntry, PolicySpec } from './rule.ts';
import { warnUnknownInterface } from './warn-unknown-interface.ts';

/** Returns the warnings about entries with these interfaces. For a node without a report, pass undefined. */
function warningsOf(
  parents: readonly string[],
  reports: Readonly<Record<string, readonly string[] | undefined>>,
  spec: Partial<PolicySpec> = {},
): readonly string[] {
  const parentSelector = parents.map((parentIface): ParentEntry => ({ parentIface }));
  const nodes = new Map(Object.keys(reports).map((name) => [name, { name, labels: { zone: name } }]));
  const interfacesOf = (node: string) => reports[node] && new Set(reports[node]);
  return warnUnknownInterface(policy('p', { parentSelector, ...spec }), { others: [], nodes, interfacesOf }).map(
    ({ severity, code, path, detail }) => `${severity} ${code} ${path} ${detail}`,
  );
}

describe('an interface that no selected node has', () => {
  it('gets a warning with the similar name that all of them have', () => {
    assert.deepEqual(warningsOf(['eth0', 'bnod1'], { h1: ['eth0', 'bond1'], h2: ['bond1'], h3: undefined }), [
      'warn InterfaceNotFound spec.parentSelector[1].parentIface bnod1: did you mean bond1, which all 2 selected nodes have?',
    ]);
    assert.deepEqual(warningsOf(['Eth0'], { h1: ['eth0'] }), [
      'warn InterfaceNotFound spec.parentSelector[0].parentIface Eth0: did you mean eth0, which the selected node has?',
    ]);
  });

  it('is compared only with nodes that the policy selects', () => {
    const nodeSelector = { matchLabels: { zone: 'h1' } };
    assert.equal(warningsOf(['bnod1'], { h1: ['bond1'], h2: ['bnod1'] }, { nodeSelector }).length, 1);
  });

  it('gets a complete warning, even if the names are long', () => {
    const [long, near] = [`x${'y'.repeat(60)}`, `z${'y'.repeat(60)}`];
    const context = {
      others: [],
      nodes: new Map([['h1', { name: 'h1', labels: {} }]]),
      interfacesOf: () => new Set([near]),
    };
    const [text = ''] = warnUnknownInterface(policy('p', { parentSelector: [{ parentIface: long }] }), context).map(
      verdictText,
    );
    assert.match(text, /did you mean zy+/);
    assert.ok(text.length <= 256, text);
  });
});

describe('an interface gets no warning', () => {
  for (const [title, parents, reports] of [
    ['if a node has it', ['bnod1'], { h1: ['bond1'], h2: ['bond1', 'bnod1'] }],
    ['if a node lacks the similar interface', ['bnod1'], { h1: ['bond1'], h2: ['eth0'] }],
    ['if the similar name differs only in its number', ['eth2', 'ens1f1'], { h1: ['eth1', 'ens1f0'] }],
    ['if no name is similar', ['storage'], { h1: ['eth0', 'bond1'] }],
    ['if no node has reported', ['bnod1'], { h1: undefined }],
    ['if there is no node', ['bnod1'], {}],
  ] as const) {
    it(title, () => assert.deepEqual(warningsOf(parents, reports), []));
  }

  it('if reports are not available, or the entry has a nicSelector', () => {
    const nodes = new Map([['h1', { name: 'h1', labels: {} }]]);
    const named = policy('p', { parentSelector: [{ parentIface: 'bnod1' }] });
    assert.deepEqual(warnUnknownInterface(named, { others: [], nodes }), []);
    const selector = policy('p', { parentSelector: [{ nicSelector: { names: ['bnod1'] } }] });
    assert.deepEqual(warnUnknownInterface(selector, { others: [], nodes, interfacesOf: () => new Set(['bond1']) }), []);
  });
});
