// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { pod, whyFacts } from '../../test/fixtures/why/build-facts.ts';
import { cases, h1, net, p, vm } from '../../test/fixtures/why/cases.ts';
import { causes } from './cause.ts';
import { createScope } from './create-scope.ts';
import { explain } from './explain.ts';
import { rules } from './rules.ts';

describe('the list of rules', () => {
  it('contains every rule file once', () => {
    const files = readdirSync(`${import.meta.dirname}/causes`).filter((file) => /^find-.*(?<!\.test)\.ts$/.test(file));
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), files.sort());
  });

  it('has a test case for every rule and every cause', () => {
    assert.deepEqual([...new Set(cases.map(({ rule }) => rule))].sort(), rules.map(({ name }) => name).sort());
    assert.deepEqual([...new Set(cases.map(({ code }) => code))].sort(), Object.keys(causes).sort());
  });

  it('has the same order as the causes', () => {
    const codes = rules.flatMap(({ name }) => cases.find(({ rule }) => rule === name)?.code ?? []);
    assert.deepEqual(codes, Object.keys(causes));
  });
});

describe('if nothing is wrong', () => {
  const running = pod({ phase: 'Running', isReady: true, node: 'h1' });
  const facts = [whyFacts({ pod: pod() }), whyFacts({ pod: pod({ node: 'h1' }) }), whyFacts({ pod: running })];
  for (const subject of [vm, net, h1, p]) {
    it(`nothing is found for a ${subject.kind}`, () => {
      for (const each of facts) {
        const explanation = explain(subject, each);
        assert.deepEqual([explanation?.causes, explanation?.notes], [[], []]);
        assert.ok((explanation?.checked.length ?? 0) > 2);
      }
    });
  }
});

describe('a pod with a claim', () => {
  const claimed = (resource: string, count = 1) => {
    const exactly = { deviceClassName: `${resource}.macvtap.network.kubevirt.io`, count };
    return new Map([['ResourceClaim c', { spec: { devices: { requests: [{ name: 'nic', exactly }] } } }]]);
  };
  const { object, ...rest } = pod();
  const { metadata } = object as { metadata: object };
  const spec = { containers: [{ name: 'a' }], resourceClaims: [{ name: 'nic', resourceClaimName: 'c' }] };
  const claiming = { ...rest, object: { metadata, spec } };
  const codesFor = (given: Parameters<typeof whyFacts>[0]) =>
    explain(vm, whyFacts({ pod: claiming, ...given }))?.causes.map(({ code }) => code);

  it('needs no device in its containers', () => {
    assert.deepEqual(codesFor({ claims: claimed('data') }), []);
    assert.deepEqual(codesFor({ claims: new Map() }), ['NotInjected']);
  });

  it('is explained like a pod that requests the devices', () => {
    assert.deepEqual(codesFor({ claims: claimed('data', 11) }), ['TooManyDevices']);
    const holders = new Map(
      ['h1', 'h2'].map((node) => [node, [{ pod: 'default/many', devices: new Map([['data', 10]]) }]]),
    );
    assert.deepEqual(codesFor({ claims: claimed('data'), holders }), ['AllDevicesHeld']);
    assert.deepEqual(codesFor({ claims: claimed('fast') }), ['ResourceUnknown', 'NotInjected']);
  });

  it('that no device satisfies gets the next step for CEL expressions', () => {
    const said = '0/3 nodes are available: 3 cannot allocate all claims.';
    const explanation = explain(vm, whyFacts({ pod: { ...claiming, said }, claims: claimed('data') }));
    assert.deepEqual(
      explanation?.causes.map(({ code, detail, fix }) => [code, detail, fix.commands]),
      [['StartFailed', said, ['kubectl get resourceslices -o yaml']]],
    );
  });

  it('waits for a device that another claim holds, according to the state of a node that uses DRA', () => {
    const full = { labels: { macvtapAware: 'true' }, allocation: 'DRA', report: { held: 10 } } as const;
    const nodes = { h1: full, h2: full };
    const holders = new Map(['h1', 'h2'].map((node) => [node, []]));
    assert.deepEqual(codesFor({ claims: claimed('data'), nodes, holders }), ['AllDevicesHeld']);
    const other = { h1: { ...full, allocation: 'DevicePlugin' }, h2: full } as const;
    assert.deepEqual(codesFor({ claims: claimed('data'), nodes: other, holders }), []);
  });

  it('lacks no DeviceClass if the class exists, or if a node offers the resource to kubelet', () => {
    const dra = { labels: { macvtapAware: 'true' }, allocation: 'DRA' } as const;
    const deviceClasses = new Set(['data.macvtap.network.kubevirt.io']);
    const nodes = { h1: dra, h2: dra };
    assert.deepEqual(codesFor({ claims: claimed('data'), nodes, deviceClasses }), []);
    assert.deepEqual(codesFor({ claims: claimed('data'), nodes: { h1: dra }, deviceClasses: new Set() }), []);
    assert.deepEqual(codesFor({ claims: claimed('data'), nodes, deviceClasses: new Set() }), ['DeviceClassMissing']);
    assert.deepEqual(codesFor({ claims: claimed('data'), nodes }), []);
  });
});

for (const { rule: name, title, subject, broken, code, isNote = false, detail, lines } of cases) {
  it(`${name}: ${title}`, () => {
    const scope = createScope(subject, broken);
    const rule = rules.find((one) => one.name === name)?.rule;
    assert.ok(scope !== undefined && rule !== undefined);
    const [cause, ...more] = rule(scope, broken);
    assert.deepEqual([cause?.code, cause?.isNote, more], [code, isNote, []]);
    assert.match(cause?.detail ?? '', detail);
    assert.deepEqual([...(cause?.fix.onNode ?? []), ...(cause?.fix.commands ?? [])], lines);
    const all = explain(subject, broken);
    assert.equal((isNote ? all?.notes : all?.causes)?.[0]?.code, code, 'the first finding is this one');
  });
}
