// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nic, policy } from '../../test/fixtures/plan/build-example.ts';
import { type GivenNode, network, pod, whyFacts } from '../../test/fixtures/why/build-facts.ts';
import { h1, net, p, vm } from '../../test/fixtures/why/cases.ts';
import { readExplicit } from '../plan/from-explicit.ts';
import { nodesToAsk } from './create-scope.ts';
import { explain } from './explain.ts';

const codesOf = (explanation: ReturnType<typeof explain>) => explanation?.causes.map(({ code }) => code);

describe('the steps from an object to a cause', () => {
  it('are the pod, its network, the policy and the node, each with its state', () => {
    const selection = { labels: [{ key: 'name', operator: 'In', values: ['h3'] } as const], terms: undefined };
    const facts = whyFacts({
      pod: pod({ selection, said: '0/3 nodes are available' }),
      nodes: { h3: { labels: { name: 'h3' } } },
    });
    assert.deepEqual(explain(vm, facts)?.causes[0]?.steps, [
      { object: 'Pod default/vm', says: 'Pending, on no node yet: 0/3 nodes are available' },
      { object: 'NetworkAttachmentDefinition default/net', says: 'names macvtap.network.kubevirt.io/data' },
      { object: 'MacvtapNetworkNodePolicy macvtap-cni/p', says: 'offers data' },
      { object: 'Node h3', says: 'offers no data' },
    ]);
  });

  it('are undefined for an object that does not exist', () => {
    assert.equal(explain(vm, whyFacts()), undefined);
    for (const kind of ['nad', 'policy'] as const) {
      assert.equal(explain({ kind, namespace: 'default', name: 'none' }, whyFacts()), undefined);
    }
    assert.equal(explain({ kind: 'node', name: 'none' }, whyFacts()), undefined);
  });
});

describe('several causes at once', () => {
  it('are in the order in which to fix them', () => {
    const facts = whyFacts({
      pod: pod({ node: 'h1' }, { limits: {} }),
      networks: [network({ mtu: 9000, mode: 'vepa' })],
      webhook: { name: 'w', replicas: 2, ready: 0 },
    });
    assert.deepEqual(codesOf(explain(vm, facts)), ['WebhookDown', 'ModeConflict', 'MtuAboveParent', 'NotInjected']);
  });
});

describe('a draining resource', () => {
  const renamed = policy('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'dat' }] });
  const drained = {
    policies: [renamed],
    nodes: { h1: { drains: { data: 1 } } },
    holders: new Map([['h1', [{ pod: 'default/before', devices: new Map([['data', 1]]) }]]]),
  };

  it('is reported as ResourceUnknown and not as AllDevicesHeld', () => {
    for (const count of ['1', '2']) {
      const facts = whyFacts({ ...drained, pod: pod({}, { limits: { data: count } }) });
      assert.deepEqual(codesOf(explain(vm, facts)), ['ResourceUnknown']);
    }
  });

  it('is not missing for a pod that is already on the node', () => {
    const unlabelled = { nodes: { h1: { drains: { data: 1 } } } };
    assert.deepEqual(codesOf(explain(vm, whyFacts({ ...unlabelled, pod: pod({ node: 'h1' }) }))), []);
  });
});

describe('several nodes that a policy does not select', () => {
  const none = { h1: {}, h2: {} };
  const fixOf = (nodes: Readonly<Record<string, GivenNode>>) =>
    explain(p, whyFacts({ nodes: { ...none, ...nodes } }))?.causes[0]?.fix;
  const choice = "label one of h1, h2 and h3, which then exposes the policy's resources instead of its current ones; ";

  it('get a fix with a choice, and a command for a node on which the policy finds its interface', () => {
    const interfaces = [nic('eth7')];
    assert.deepEqual(fixOf({ h1: { interfaces }, h3: { interfaces } }), {
      text: `${choice}the policy finds an interface on h2`,
      commands: ['kubectl label node h2 macvtapAware=true'],
    });
  });

  it('get a command with a placeholder if the policy finds no interface on any of them', () => {
    const labels = { macvtapAware: 'false' };
    const interfaces = [nic('eth7')];
    assert.deepEqual(fixOf({ h1: { interfaces }, h2: { interfaces }, h3: { interfaces, labels } }), {
      text: `${choice}the policy is not known to find an interface on any of them`,
      commands: ['kubectl label node NODE macvtapAware=true --overwrite'],
    });
  });
});

describe('a node that policies do not select', () => {
  const selecting = (name: string, matchLabels: Readonly<Record<string, string>>) =>
    policy(name, { parentSelector: [{ parentIface: 'eth1', resourceName: name }], nodeSelector: { matchLabels } });
  const notesOf = (policies: readonly ReturnType<typeof policy>[], given: GivenNode = {}) => {
    const nodes = { h1: { allocatable: new Map([['eth1', 100]]), ...given } };
    const { causes, notes } = explain(h1, whyFacts({ policies, nodes })) ?? assert.fail();
    assert.deepEqual(causes, []);
    return notes.map(({ detail, fix }) => [detail, ...fix.commands]);
  };

  it('has one note for all policies that require the same labels', () => {
    const policies = ['a', 'b', 'c', 'd', 'e'].map((name) => selecting(name, { vms: 'yes', disk: 'big' }));
    assert.deepEqual(notesOf(policies), [
      [
        'a, b, c and 2 more do not select it: labels vms=yes,disk=big are missing',
        'kubectl label node h1 vms=yes disk=big',
      ],
    ]);
  });

  it('gets no command to set a label that has the value of another node', () => {
    assert.deepEqual(notesOf([selecting('a', { host: 'h2' })], { labels: { host: 'h1' } }), [
      ['a does not select it: its labels do not meet host=h2'],
    ]);
  });

  it('has at most six notes', () => {
    const policies = Array.from({ length: 40 }, (_, index) => selecting(`p${index}`, { [`l${index}`]: 'yes' }));
    const notes = notesOf(policies);
    assert.equal(notes.length, 6);
    assert.deepEqual(notes.at(-1), ['p5, p6, p7 and 32 more do not select it: for other reasons']);
  });

  it('offers nothing if its resources are draining, and its pods are read', () => {
    const facts = whyFacts({ nodes: { h1: { drains: { data: 1 } } } });
    assert.deepEqual(nodesToAsk(h1, facts), ['h1']);
    assert.deepEqual(explain(h1, facts)?.checked[0], { object: 'Node h1', says: 'offers nothing' });
  });
});

describe('a policy that selects several nodes', () => {
  const bridged = [nic('eth1', { master: { name: 'br0', kind: 'bridge' } }), nic('br0')];

  it('has the cause on the node with the interface, and a note about nodes without it', () => {
    const labels = { macvtapAware: 'true' };
    const nodes = { h1: { labels, interfaces: bridged }, h2: { labels, interfaces: [nic('eth7')] } };
    const explanation = explain(p, whyFacts({ nodes }));
    assert.deepEqual(codesOf(explanation), ['Enslaved']);
    assert.deepEqual(
      explanation?.notes.map(({ code, nodes: names }) => [code, names]),
      [['InterfaceAbsent', ['h2']]],
    );
  });
});

describe('an object that could not be read', () => {
  it('is not a cause', () => {
    const unread = { plugin: undefined, webhook: undefined, authorities: undefined, call: undefined };
    const explanation = explain(vm, whyFacts({ pod: pod(), ...unread }));
    assert.deepEqual(explanation?.causes, []);
    const says = new Map(explanation?.checked.map((step) => [step.object, step.says]));
    assert.deepEqual([says.get('node plugin'), says.get('webhook')], ['could not be read', 'could not be read']);
  });
});

describe('a running pod', () => {
  it('has no causes even if policies and the webhook have changed since it started', () => {
    const running = pod({ phase: 'Running', isReady: true, node: 'h1' }, { limits: {} });
    const facts = whyFacts({ pod: running, policies: [], webhook: { name: 'w', replicas: 0, ready: 0 } });
    assert.deepEqual(codesOf(explain(vm, facts)), []);
  });
});

describe('a cluster of five thousand nodes', () => {
  const thousands = (node: GivenNode) =>
    Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`n${index}`, node] as const));

  it('is explained in a few lines, with nodes grouped by cause', () => {
    const nodes = { ...thousands({}), h1: {}, h2: {} };
    for (const subject of [net, p]) {
      const [cause, ...more] = explain(subject, whyFacts({ nodes }))?.causes ?? [];
      assert.deepEqual([cause?.code, cause?.nodes?.length, more], ['NodeNotSelected', 5_003, []]);
      assert.deepEqual(cause?.steps.at(-1), { object: '5,003 nodes (h1, h2, h3, …)', says: '' });
      assert.deepEqual(cause?.fix.commands, ['kubectl label node h1 macvtapAware=true']);
    }
  });

  it('has one cause for nodes without the label and nodes with another value', () => {
    const nodes = { ...thousands({ labels: { macvtapAware: 'false' } }), h1: {}, h2: {} };
    const causes = explain(p, whyFacts({ nodes }))?.causes;
    assert.equal(causes?.length, 1, 'both groups do not meet the same requirement');
  });
});

describe('an invalid explicit configuration', () => {
  const explicit = readExplicit('[{"name":"data","lowerDevice":"eth1"},]');
  const codesFor = (subject: typeof h1, more: Parameters<typeof whyFacts>[0]) =>
    explain(subject, whyFacts({ explicit, ...more }))?.causes.map(({ code }) => code);

  it('is the only cause if a resource in it is missing', () => {
    assert.deepEqual(codesFor(net, { policies: [] }), ['ExplicitInvalid']);
    assert.deepEqual(codesFor(net, { policies: [], networks: [network({}, 'other')] }), ['ResourceUnknown']);
  });

  it('is not a cause for a node that a policy selects, or for a network whose resource is offered', () => {
    assert.deepEqual([codesFor(h1, {}), codesFor(net, {})], [[], []]);
  });
});

describe('facts that change', () => {
  it('are explained as they are, even if they share the node states of earlier facts', () => {
    const facts = whyFacts({ pod: pod({ node: 'h1' }, { limits: {} }), nodes: { h1: {} } });
    const before = explain(vm, facts);
    assert.deepEqual(explain(vm, { ...facts, nowMs: facts.nowMs }), before);
    const withoutPolicies = explain(vm, { ...facts, policies: [] });
    assert.deepEqual(withoutPolicies, explain(vm, { ...facts, policies: [], nodeStates: new Map(facts.nodeStates) }));
    assert.notDeepEqual(withoutPolicies, before);
    const withoutNodes = explain(vm, { ...facts, nodes: new Map() });
    assert.deepEqual(withoutNodes, explain(vm, { ...facts, nodes: new Map(), nodeStates: new Map(facts.nodeStates) }));
  });
});
