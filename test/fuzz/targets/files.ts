// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleOf } from '../../../certs/certificate-state.ts';
import { decodeBundle, decodeState, encodeState } from '../../../certs/certificate-store.ts';
import { makePair, readAuthorities } from '../../../certs/serving-pair.ts';
import { connectByKubeconfig, contextsOf, namespaceOfContext } from '../../../cluster/api/kubeconfig.ts';
import { decodeLedger, encodeChange, encodeLedger } from '../../../nodeplugin/ledger/ledger-codec.ts';
import { formatVersion } from '../../../nodeplugin/ledger/ledger-content.ts';
import { jsonOf, type Target, textOf, unlessRefused } from '../target.ts';

const record = {
  resource: 'dataplane',
  parent: 'bond1',
  parentIfindex: 2,
  mode: 'bridge',
  ifindex: 1_073_741_950,
  attempt: 0,
  pod: 'vms/a',
  lastUsed: 3,
  attachment: {
    containerID: 'c1',
    ifname: 'net1',
    netnsPath: '/run/netns/n1',
    netnsInode: 4_026_532_000,
    mac: '52:54:00:00:00:01',
    podUID: 'u',
    network: 'net',
  },
};
const file = { version: formatVersion, node: 'h1', devices: { dataplaneMvp1: record } };
const change = `{"devices":{"dataplaneMvp2":${JSON.stringify(record)},"dataplaneMvp1":null}}\n`;
const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'c',
  clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:6443', 'insecure-skip-tls-verify': true } }],
  contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'vms' } }],
  users: [{ name: 'u', user: { token: 't' } }],
};

/**
 * The certificates and keys are generated at run time, so that the repository contains no private key. Inputs refer to
 * them as `@cert`, `@key` and `@ca`.
 */
const pair = await makePair({ names: ['webhook.test'], notBeforeMs: 0, notAfterMs: 4_000_000_000_000 });
const parts: Readonly<Record<string, string>> = {
  '@cert': pair.certPem,
  '@key': pair.keyPem,
  '@ca': bundleOf({ current: pair, older: [] }),
};
const folder = mkdtempSync(join(tmpdir(), 'kube-macvtap-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

export const fileTargets: readonly Target[] = [
  {
    name: 'ledger',
    invariant:
      'A ledger with any content is read without an error, and the result survives being written and read again.',
    shape: 'text',
    seeds: [
      `${JSON.stringify(file, undefined, 2)}\n${change}`,
      `{\n  "version": 3,\n  "node": "h1",\n  "devices": {}\n}\n${change}`,
    ],
    words: ['"version": 3', '"devices":{', 'null', '\n}\n', '"__proto__":{}', '\0\0\0\0'],
    run(input) {
      const { content, faults } = decodeLedger(input, 'h1');
      assert.ok(faults.length <= input.length + 4);
      const again = decodeLedger(Buffer.from(encodeLedger(content)), 'h1');
      assert.deepEqual(again.faults, []);
      // Compares texts, because the values can differ: in an unknown field, a number beyond float64 is read as
      // Infinity, but written as null.
      assert.equal(encodeLedger(again.content), encodeLedger(content));
      const changed = Buffer.from(`${encodeLedger(content)}${encodeChange(content.devices)}`);
      assert.deepEqual(
        new Map([...decodeLedger(changed, 'h1').content.devices].sort()),
        new Map([...content.devices].sort()),
      );
    },
  },
  {
    name: 'kubeconfig',
    invariant: 'A kubeconfig is refused as ApiServerUnknown or names a server by URL; nothing in it runs.',
    shape: 'json',
    seeds: [JSON.stringify(kubeconfig), 'apiVersion: v1\nkind: Config\nclusters: []\n'],
    words: [
      'exec',
      'auth-provider',
      'client-certificate-data',
      'certificate-authority',
      'proxy-url',
      '&a [*a]',
      'tls-server-name',
    ],
    run(input) {
      const path = join(folder, 'config');
      writeFileSync(path, input);
      for (const context of [undefined, 'c']) {
        using connection = unlessRefused(['ApiServerUnknown'], () => connectByKubeconfig(path, context));
        if (connection !== undefined) assert.ok(URL.canParse(connection.server));
        unlessRefused(['ApiServerUnknown'], () => namespaceOfContext(path, context));
      }
      unlessRefused(['ApiServerUnknown'], () => contextsOf(path));
    },
  },
  {
    name: 'certificate-state',
    invariant: 'A Secret with any content is read without an error; a pair that is used has a trusted issuer.',
    shape: 'json',
    seeds: [
      '{"tls.crt":"@cert","tls.key":"@key","ca.crt":"@ca"}',
      '{"next-tls.crt":"@cert","next-tls.key":"@key","ca.crt":["@ca","@cert","@ca"]}',
    ],
    words: [
      '@cert',
      '@key',
      '@ca',
      '-----BEGIN CERTIFICATE-----',
      '-----END CERTIFICATE-----',
      'tls.crt',
      'next-tls.key',
    ],
    run(input) {
      const value = jsonOf(input);
      const given = typeof value === 'object' && value !== null ? Object.entries(value) : [];
      const { state } = decodeState(Object.fromEntries(given.map(([key, text]) => [key, filled(text)])));
      assert.ok(state.older.length <= 32);
      const again = decodeState(encodeState(state));
      assert.deepEqual(again.state.current, state.current);
    },
  },
  {
    name: 'certificate-bundle',
    invariant: 'At most 32 CAs are read from a bundle, whatever else it contains.',
    shape: 'text',
    seeds: [parts['@ca'] ?? '', `${parts['@cert']}${parts['@ca']}`],
    words: ['-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '-', 'MIIB'],
    run(input) {
      const text = textOf(input);
      const { authorities, broken } = readAuthorities(text);
      assert.ok(authorities.length <= 32 && broken >= 0);
      assert.ok(decodeBundle(text).length <= authorities.length);
    },
  },
];

function filled(value: unknown): string {
  if (Array.isArray(value)) return value.map((part) => (typeof part === 'string' ? filled(part) : '')).join('');
  if (typeof value !== 'string') return JSON.stringify(value) ?? '';
  return parts[value] ?? value.replace(/@(cert|key|ca)/g, (name) => parts[name] ?? name);
}
