// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pod, whyFacts } from '../../../test/fixtures/why/build-facts.ts';
import { h1, vm } from '../../../test/fixtures/why/cases.ts';
import { explain } from '../explain.ts';

const aware = { macvtapAware: 'true' };
const cordoned = { labels: aware, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] };
const codesOf = (facts: ReturnType<typeof whyFacts>, subject = vm) =>
  explain(subject, facts)?.causes.map(({ code }) => code);

describe('findNodeUnschedulable', () => {
  it('reports nothing while another node has a free device', () => {
    assert.deepEqual(codesOf(whyFacts({ pod: pod(), nodes: { h1: cordoned } })), []);
  });

  it('reports the cordoned node if the other node has no free device', () => {
    const holders = new Map([['h2', [{ pod: 'default/many', devices: new Map([['data', 10]]) }]]]);
    const facts = whyFacts({ pod: pod(), nodes: { h1: cordoned }, holders });
    assert.deepEqual(codesOf(facts), ['NodeUnschedulable']);
    assert.deepEqual(explain(vm, facts)?.causes[0]?.nodes, ['h1']);
  });

  it('finds a drained node', () => {
    const { causes } = explain(h1, whyFacts({ nodes: { h1: cordoned } })) ?? assert.fail();
    assert.deepEqual(
      causes.map(({ code, fix }) => [code, ...fix.commands]),
      [['NodeUnschedulable', 'kubectl uncordon h1']],
    );
  });

  it('reports nothing for a pod that tolerates the taint', () => {
    const facts = whyFacts({
      pod: pod({ tolerations: [{ operator: 'Exists' }] }),
      nodes: { h1: cordoned, h2: cordoned },
    });
    assert.deepEqual(codesOf(facts), []);
  });

  it('reports nothing for a pod that runs on the node', () => {
    const running = pod({ phase: 'Running', isReady: true, node: 'h1' });
    assert.deepEqual(codesOf(whyFacts({ pod: running, nodes: { h1: cordoned } })), []);
  });
});
