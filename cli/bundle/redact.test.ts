// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnEvent, redact } from './redact.ts';

const secret = 'hunter2hunter2';
const key = `-----BEGIN EC PRIVATE KEY-----\n${secret}\n-----END EC PRIVATE KEY-----`;

const places = [
  `password: ${secret}`,
  `DB_PASSWORD=${secret}`,
  `{"clientSecret":"${secret}","a":1}`,
  `config: "{\\"token\\": \\"${secret}\\"}"`,
  `config: '{"api_key": "${secret}"}'`,
  `--token=${secret} --other`,
  `Authorization: Bearer ${secret}`,
  `authorization: basic ${secret}`,
  `https://user:${secret}@registry.example.com/x`,
  key,
  key.slice(0, 50),
  Buffer.from(key).toString('base64'),
  Buffer.from(` ${key}`).toString('base64'),
  `Authorization: Token ${secret}`,
  `"authorization":"ApiKey ${secret}"`,
  `aws_secret_access_key = ${secret}`,
  `client-key-data: ${secret}`,
  `password: |\n  ${secret}\n  ${secret}`,
  `token: >-\n    ${secret}`,
  `gh${'p'}_${secret}${secret}`,
  `xox${'b'}-12345-${secret}`,
  `eyJhbGciOiJSUzI1NiJ9.${secret}.${secret}`,
];

for (const place of places) {
  test(`the secret in ${JSON.stringify(place.slice(0, 40))} is removed`, () => {
    const shown = redact(`before\n${place}\nafter`);
    assert.ok(!shown.includes(secret) && !shown.includes(Buffer.from(secret).toString('base64').slice(0, 12)), shown);
    assert.match(shown, /^before\n/);
    assert.ok(shown.includes('[removed]'));
  });
}

test('text that is not a secret is kept', () => {
  const text = [
    'resourceName: dataplane',
    'mac: 52:54:00:00:00:01',
    'authorization: not needed',
    'resource: |\n  {}',
    'message: the token of the webhook',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'Allocate dataplaneMvp3 on https://10.0.0.1:6443/api',
  ].join('\n');
  assert.equal(redact(text), text);
});

const event = (name: string, more: object = {}) => ({
  metadata: { name: 'e', namespace: 'macvtap-cni' },
  involvedObject: { kind: 'Pod', name },
  source: { component: 'kubelet' },
  ...more,
});

for (const [title, object, expected] of [
  ['of a pod of a component', event('nics-nodeplugin-x7k2p'), true],
  ['of the component itself', event('nics-nodeplugin'), true],
  ['of another pod in the namespace', event('nics-nodeplugins'), false],
  ['of such a pod elsewhere', { ...event('nics-nodeplugin-1'), metadata: { name: 'e', namespace: 'vms' } }, false],
  ['that a component wrote', event('vm-a', { source: { component: 'kube-macvtap-nodeplugin' } }), true],
] as const) {
  test(`a bundle ${expected ? 'has' : 'lacks'} an event ${title}, if the chart has other names`, () => {
    assert.equal(isOwnEvent(object, 'macvtap-cni', ['nics-nodeplugin', 'nics-webhook']), expected);
  });
}
