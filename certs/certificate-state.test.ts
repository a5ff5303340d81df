// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalName, coversNames, joinNames, serviceNames } from './certificate-state.ts';

test('a Service has four names, and the first is the one that the API server uses', () => {
  assert.deepEqual(serviceNames({ name: 'webhook', namespace: 'ns' }), [
    'webhook.ns.svc',
    'webhook.ns.svc.cluster.local',
    'webhook.ns',
    'webhook',
  ]);
  assert.ok(serviceNames({ name: 'a', namespace: 'b', clusterDomain: 'x.org' }).includes('a.b.svc.x.org'));
});

for (const [name, canonical] of [
  ['Webhook.NS.svc', 'webhook.ns.svc'],
  ['127.0.0.1', '127.0.0.1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['FD00::0A', 'fd00::a'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
] as const) {
  test(`the canonical spelling of ${name} is ${canonical}`, () => {
    assert.equal(canonicalName(name), canonical);
  });
}

test('a certificate must have all wanted names, in any spelling; a wildcard does not match them', () => {
  assert.ok(coversNames({ names: ['a.b', '::1'] }, ['A.b', '0::1']));
  assert.ok(coversNames({ names: ['a'] }, []));
  assert.ok(!coversNames({ names: ['a'] }, ['a', 'b']));
  assert.ok(!coversNames({ names: ['*.b'] }, ['a.b']));
});

test('joined names begin with the wanted ones, and are limited to sixteen unless more are wanted', () => {
  const many = Array.from({ length: 40 }, (_, index) => `n${index}`);
  assert.deepEqual(joinNames(['b', 'A'], ['a', 'c']), ['b', 'a', 'c']);
  assert.deepEqual(joinNames(['x'], many), ['x', ...many.slice(0, 15)]);
  assert.deepEqual(joinNames(many, ['x']), many);
});
