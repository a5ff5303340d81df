// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { makeSeedHosts } from './seed-hosts.ts';
import { webhookOfFile } from './webhook-of-file.ts';

// Applies the YAML of the API proposal unchanged. Its label value `macvtapAware: true` is a boolean, although
// Kubernetes requires a string.
const cluster = await webhookOfFile();
await makeSeedHosts(cluster);

const read = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');
const network = read('apiserver/seed-network.yaml');
const written = read('seed/node-centric/policy.yaml');
const resourceCentric = read('seed/resource-centric/policy.yaml');
const policies = {
  'the node-centric policy': written,
  'the resource-centric policy': resourceCentric.replace('"true"', 'true'),
  'the node-centric policy with its label in quotes': written.replace('macvtapAware: true', 'macvtapAware: "true"'),
  'the resource-centric policy with its label in quotes': resourceCentric,
};
const ways = {
  'client-side apply': ['apply', '--validate=strict'],
  'server-side apply': ['apply', '--server-side', '--validate=strict'],
  // The default of Helm 4.
  "server-side apply under Helm's name": ['apply', '--server-side', '--field-manager=helm', '--validate=strict'],
};

interface Stored {
  readonly metadata: { readonly generation: number; readonly resourceVersion: string };
  readonly spec: { readonly nodeSelector: object; readonly parentSelector: readonly { readonly quantity?: number }[] };
}

for (const [way, args] of Object.entries(ways)) {
  describe(way, () => {
    for (const [title, text] of Object.entries(policies)) {
      it(`accepts ${title}, also a second time`, async () => {
        const path =
          '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies/policy-1';
        const first = await cluster.kubectl([...args, '-f', '-'], text);
        assert.deepEqual([first.code, errorsOf(first.stderr)], [0, []], first.stderr);
        const made = await cluster.admin.must<Stored>('GET', path);
        assert.deepEqual(made.spec.nodeSelector, { matchLabels: { macvtapAware: 'true' } });
        assert.deepEqual(
          made.spec.parentSelector.map(({ quantity }) => quantity),
          [25, 100, 100],
        );
        const second = await cluster.kubectl([...args, '-f', '-'], text);
        assert.deepEqual([second.code, second.stderr], [0, '']);
        const again = await cluster.admin.must<Stored>('GET', path);
        assert.deepEqual([again.metadata.generation, again.spec], [made.metadata.generation, made.spec]);
        await cluster.admin.must('DELETE', path);
      });
    }

    it('accepts a policy and a network from one file, although they arrive milliseconds apart, also a second time', async () => {
      const text = `${written}\n---\n${network.replace('name: macvtap0', 'name: macvtap0\n  namespace: default')}`;
      for (const time of ['first', 'second']) {
        const { code, stderr } = await cluster.kubectl([...args, '-f', '-'], text);
        assert.deepEqual([time, code, errorsOf(stderr)], [time, 0, []], stderr);
      }
      const { spec, metadata } = JSON.parse(
        await cluster.mustKubectl(['get', 'net-attach-def', 'macvtap0', '-o', 'json']),
      );
      assert.deepEqual(JSON.parse(spec.config), {
        cniVersion: '0.3.1',
        type: 'macvtap',
        mtu: 9000,
        name: 'macvtap0',
        mode: 'private',
        modeFrom: 'policy',
      });
      assert.equal(metadata.generation, 1);
      await cluster.mustKubectl(['delete', '-f', '-'], text);
    });
  });
}

it('a policy of a client-side apply that is then applied server-side conflicts once, because of the defaults that the webhook wrote', async () => {
  const serverSide = ['apply', '--server-side', '-f', '-'];
  await cluster.mustKubectl(['apply', '-f', '-'], written);
  const refused = await cluster.kubectl(serverSide, written);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /conflicts with "kubectl-client-side-apply".*- \.spec\.parentSelector/s);
  await cluster.mustKubectl([...serverSide, '--force-conflicts'], written);
  await cluster.mustKubectl(serverSide, written);
  await cluster.mustKubectl(['delete', '-f', '-'], written);
});

/** Returns kubectl's messages without the expected warnings about the policy's changes on the hosts. */
function errorsOf(stderr: string): readonly string[] {
  return stderr.split('\n').filter((line) => line !== '' && !/^Warning: Resource(Lost|Gained|Changed) /.test(line));
}
