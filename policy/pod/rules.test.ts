// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { named, nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { asking, podContext, podOf } from '../../test/fixtures/pod/build-context.ts';
import { listFixtureRules, readFixtures } from '../../test/fixtures/read-fixtures.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { PodObject } from './read-pod.ts';
import type { PodContext } from './rule.ts';
import { reviewPod, rules } from './rules.ts';

describe('the list of rules', () => {
  it('contains every rule file once', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => /^check-.*(?<!\.test)\.ts$/.test(file));
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), files.sort());
  });

  it('has fixtures for every rule, and no other fixtures', () => {
    assert.deepEqual(listFixtureRules('pod'), rules.map(({ name }) => name).sort());
  });
});

for (const { name, rule } of rules) {
  describe(name, () => {
    const passing = readFixtures('pod', name, 'pass');
    const failing = readFixtures('pod', name, 'fail');

    it('has a fixture that passes and one that fails', () => assert.ok(passing.length > 0 && failing.length > 0));

    for (const { title, object } of passing) {
      it(`and all other rules accept ${title}`, () => {
        assert.deepEqual(reviewPod(object, contextOf(object)), []);
      });
    }

    for (const { title, object, expected } of failing) {
      it(`returns the expected verdicts for ${title}, each with its severity`, () => {
        const verdicts = rule(object, contextOf(object));
        assert.deepEqual(
          verdicts.map(({ severity, code, path }) => `${severity === 'warn' ? 'warn ' : ''}${code} ${path}`),
          expected,
        );
        for (const { reason, detail } of verdicts) {
          assert.ok(reason !== '' && detail !== '' && detail.length < 256, detail);
        }
      });
    }
  });
}

function contextOf({ metadata }: PodObject): ReturnType<typeof podContext> {
  return podContext((metadata as { readonly namespace: string }).namespace);
}

const tenant = podContext('tenant');
const restricted = { containers: [{ name: 'a', ...asking({ restricted: 1 }) }] };

describe('the review of a pod', () => {
  it('denies a resource that the namespace may not use, with resource, namespace, policy and selector', () => {
    assert.deepEqual(details(podOf(undefined, restricted), tenant), [
      'deny resource restricted, namespace tenant: policy macvtap-cni/restricted admits namespaces with vms=true',
    ]);
    assert.deepEqual(details(podOf('fast', restricted), tenant), [
      'deny network tenant/fast with resource restricted, namespace tenant: policy macvtap-cni/restricted admits namespaces with vms=true',
    ]);
  });

  it('has a denial for every policy that does not admit the namespace', () => {
    const shared = podOf(undefined, { containers: [asking({ shared: 1 })] });
    assert.deepEqual(details(shared, podContext('default')), [
      'deny resource shared, namespace default: policy macvtap-cni/blue admits namespaces with team in (blue,green)',
    ]);
    assert.deepEqual(
      details(shared, podContext('nowhere')).map((text) => text.split('admits')[1]),
      [' namespaces with team in (blue,green)', ' namespaces with stage!=dev'],
    );
  });

  it('denies the request of an ephemeral container', () => {
    const spec = { containers: [{ name: 'a' }], ephemeralContainers: [asking({ restricted: 1 })] };
    assert.equal(details(podOf(undefined, spec), tenant).length, 1);
  });

  it('suggests the most similar name', () => {
    assert.deepEqual(details(podOf('typo'), podContext('vms')), [
      'warn network vms/typo with resource dataplan: did you mean dataplane?',
    ]);
    assert.deepEqual(details(podOf(undefined, { containers: [asking({ zzzzzz: 1 })] }), podContext('vms')), [
      'warn resource zzzzzz: no resource with a similar name is offered',
    ]);
  });

  it('reports at most ten unknown resources of a pod', () => {
    const asked = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`datapalne-${index}`, 1]));
    const told = details(podOf(undefined, { containers: [asking(asked)] }), podContext('vms'));
    assert.equal(told.length, 10);
    assert.equal(told[9], 'warn resource datapalne-9: did you mean dataplane?');
  });

  it('compares the number of devices with the node that has the most', () => {
    assert.deepEqual(details(podOf('data', { containers: [asking({ dataplane: 26 })] }), podContext('vms')), [
      'warn resource dataplane: 26 needed, at most 25 on a node',
    ]);
  });

  it('ignores quantities in policies if a node exposes the resource', () => {
    const policies = [
      named(
        'p',
        { parentIface: 'eth0', resourceName: 'data' },
        { parentIface: 'eth1', mode: 'vepa', resourceName: 'data' },
      ),
    ];
    const states = { h1: nodeState([reported('data', 'eth0', { policy: 'macvtap-cni/p', quantity: 2 })]) };
    const context = podContext('vms', { offers: offersOf({ policies, states }) });
    assert.deepEqual(details(podOf(undefined, { containers: [asking({ data: 3 })] }), context), [
      'warn resource data: 3 needed, at most 2 on a node',
    ]);
  });

  it('passes a pod that is being deleted', () => {
    const metadata = { deletionTimestamp: '2025-01-01T00:00:00Z', annotations: { 'k8s.v1.cni.cncf.io/networks': '[' } };
    assert.deepEqual(details({ metadata, spec: restricted }, tenant), []);
  });

  it('passes an update that does not change the named resources, even if policies have changed', () => {
    const before = podOf('fast,nothing', restricted);
    const labelled = { ...before, metadata: { ...(before.metadata as object), labels: { a: 'b' } } };
    assert.deepEqual(details(labelled, { ...tenant, before }), []);
  });

  it('denies an update that adds a network whose resource the namespace may not use', () => {
    assert.equal(details(podOf('data,fast'), { ...tenant, before: podOf('data') }).length, 1);
    assert.deepEqual(details(podOf('data'), { ...tenant, before: podOf('data,fast') }), []);
  });
});

function details(pod: PodObject, context: PodContext): readonly string[] {
  return reviewPod(pod, context).map(({ severity, detail }) => `${severity} ${detail}`);
}

describe('a policy with a namespaceSelector and without resource names', () => {
  const ens5 = { name: 'ens5' };
  const states = { h1: nodeState([reported('ens5', 'ens5', { source: 'implicit' })], [ens5]) };
  const pod = { metadata: { name: 'p', namespace: 'tenant' }, spec: { containers: [asking({ ens5: 1 })] } };
  const verdictsIn = (namespace: string, labels: Labels, ...entries: readonly ParentEntry[]) => {
    const red = policy('red', { parentSelector: entries, namespaceSelector: { matchLabels: { team: 'red' } } });
    const offers = offersOf({ policies: [red], states });
    return reviewPod(pod, podContext(namespace, { namespaceLabels: labels, offers })).map(({ code }) => code);
  };

  it('is enforced before any node exposes its resources', () => {
    for (const entry of [{ nicSelector: { names: ['ens*'] } }, { parentIface: 'ens5' }]) {
      assert.deepEqual(verdictsIn('tenant', {}, entry), ['NamespaceNotAdmitted']);
      assert.deepEqual(verdictsIn('red', { team: 'red' }, entry), []);
    }
  });

  it('does not restrict interfaces that it does not select', () => {
    assert.deepEqual(verdictsIn('tenant', {}, { nicSelector: { names: ['eth*'] } }), []);
  });
});
