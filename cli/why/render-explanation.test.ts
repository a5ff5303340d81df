// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from '../../policy/why/explain.ts';
import { pod, whyFacts } from '../../test/fixtures/why/build-facts.ts';
import { cases, vm } from '../../test/fixtures/why/cases.ts';
import { renderExplanation } from './render-explanation.ts';

const plain = (_tone: string, text: string) => text;
const rendered = (...given: Parameters<typeof explain>) => {
  const explanation = explain(...given);
  assert.ok(explanation !== undefined);
  return renderExplanation(explanation, { paint: plain, width: undefined });
};

describe('an explanation for a person', () => {
  it('has the steps to the cause, and the fix', () => {
    const selection = { labels: [{ key: 'name', operator: 'In', values: ['h3'] } as const], terms: undefined };
    const facts = whyFacts({ pod: pod({ selection }), nodes: { h3: { labels: { name: 'h3' } } } });
    assert.equal(
      rendered(vm, facts),
      [
        'Pod default/vm: Pending, on no node yet',
        '',
        'NetworkAttachmentDefinition default/net: names macvtap.network.kubevirt.io/data',
        '└─ MacvtapNetworkNodePolicy macvtap-cni/p: offers data',
        '   └─ Node h3: offers no data',
        "      └─ NodeNotSelected: its nodeSelector asks for macvtapAware=true, which the node's labels do not meet",
        'Fix: label the node, if the policy is meant for it:',
        '    kubectl label node h3 macvtapAware=true',
      ].join('\n'),
    );
  });

  it('fits a narrower terminal', () => {
    const facts = whyFacts({ pod: pod() });
    const explanation = explain(vm, facts);
    assert.ok(explanation !== undefined);
    const wide = renderExplanation(explanation, { paint: plain, width: 200 });
    const narrow = renderExplanation(explanation, { paint: plain, width: 60 });
    assert.ok(wide.split('\n').some(({ length }) => length > 60));
    assert.deepEqual(
      narrow.split('\n').filter(({ length }) => length > 60),
      [],
    );
    assert.equal(narrow.replaceAll(/\s+/g, ' '), wide.replaceAll(/\s+/g, ' '));
  });

  it('has the node names in commands, and numbers the causes if there are several', () => {
    const down = cases.find(({ code }) => code === 'LinkDown');
    assert.ok(down !== undefined);
    assert.match(rendered(down.subject, down.broken), /\n {2}in a shell on h2:\n {4}ip link set eth1 up$/);
    const facts = whyFacts({
      pod: pod({ node: 'h1' }, { limits: {} }),
      webhook: { name: 'kube-macvtap-webhook', replicas: 2, ready: 0 },
    });
    assert.match(rendered(vm, facts), /^1\. WebhookDown: .*\n {3}Fix: [\s\S]*^2\. Network/m);
  });

  it('reports that nothing is wrong, with the checks and notes', () => {
    assert.match(rendered(vm, whyFacts({ pod: pod() })), /^Nothing is wrong with Pod default\/vm\.\nChecked:\n {2}Pod/);
    const shadowed = cases.find(({ code }) => code === 'Shadowed');
    assert.ok(shadowed !== undefined);
    assert.match(
      rendered(shadowed.subject, shadowed.broken),
      /^Nothing is wrong[\s\S]*\n\nWorth knowing:\n {2}Shadowed on h1/,
    );
  });

  it('escapes control characters, and exceeds 120 columns only in quoted text', () => {
    const said = `\u001b[31mred ${'word '.repeat(60)}`;
    const text = rendered(vm, whyFacts({ pod: pod({ said }, { limits: { data: '99' } }) }));
    assert.ok(!text.includes('\u001b'));
    assert.ok(text.includes('\\u001b[31mred'));
    // Lines are not broken inside quotes.
    const lines = cases.flatMap(({ subject, broken }) => rendered(subject, broken).split('\n'));
    assert.deepEqual(
      [...lines, ...text.split('\n')].filter((line) => line.length > 120 && !line.includes("'")),
      [],
    );
  });
});
