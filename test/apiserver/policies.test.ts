// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listFixtureRules, readFixtures } from '../fixtures/read-fixtures.ts';
import { until } from '../process/until.ts';
import { makeNamespace } from './install.ts';
import { makeSeedHosts } from './seed-hosts.ts';
import { webhookOfFile } from './webhook-of-file.ts';

const cluster = await webhookOfFile();
await makeSeedHosts(cluster);
await makeNamespace(cluster, 'tenant');

const policies = (namespace: string) =>
  `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${namespace}/macvtapnetworknodepolicies`;
const namespaceOf = ({ metadata }: { readonly metadata: Readonly<Record<string, unknown>> }) =>
  String(metadata.namespace ?? 'default');
const create = (object: Parameters<typeof namespaceOf>[0]) =>
  cluster.admin.call('POST', `${policies(namespaceOf(object))}?dryRun=All`, { body: object });

/** The error of `values: [7]`, which the API server does not report: the mutating webhook converts 7 to a string. */
const fixedByMutation = ['BadFieldRequirement spec.nodeAffinity.nodeSelectorTerms[0].matchFields[5]'];

describe('the fixtures of the policy engine, with a real API server and the webhook', () => {
  for (const rule of listFixtureRules('nodepolicy')) {
    for (const { title, object } of readFixtures('nodepolicy', rule, 'pass')) {
      it(`${title} is accepted`, async () => {
        const { status, body } = await create(object);
        assert.equal(status, 201, JSON.stringify(body));
      });
    }
  }

  for (const rule of listFixtureRules('nodepolicy').filter((name) => name !== 'schema')) {
    for (const { title, object, expected } of readFixtures('nodepolicy', rule, 'fail')) {
      it(`${title} is refused, by the schema or with its code`, async () => {
        const { status, body } = await create(object);
        const { message } = body as { message: string };
        assert.ok(status === 403 || status === 422, `${status} ${message}`);
        // If the schema refuses the policy, the webhook is not called. nodepolicy-schema.test.ts tests that case.
        const wanted = status === 403 ? expected.filter((line) => !fixedByMutation.includes(line)) : [];
        for (const line of wanted) assert.ok(message.includes(line), `${message} lacks ${line}`);
      });
    }
  }
});

describe('an edit of a policy', () => {
  const kubectl = (args: readonly string[], stdin?: string) => cluster.kubectl(['-n', 'macvtap-cni', ...args], stdin);
  const policy = (name: string, spec: object) =>
    JSON.stringify({
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name },
      spec: { nodeSelector: { matchLabels: { macvtapAware: 'true' } }, ...spec },
    });
  const bonded = { parentIface: 'bond1', mode: 'private', quantity: 25, resourceName: 'bonded' };
  const fast = { parentIface: 'eth1', resourceName: 'fast' };

  it('prints warnings about its effects: which nodes lose their implicit resources, and which gain resources', async () => {
    const { code, stderr } = await kubectl(['apply', '-f', '-'], policy('p', { parentSelector: [bonded, fast] }));
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: ResourceLost .*resources: 2 nodes .*h1, h2; they are .*\beth0\b/m);
    assert.match(stderr, /^Warning: ResourceGained .*bonded: 2 nodes .*h1, h2/m);
    assert.match(stderr, /^Warning: ResourceGained .*fast: 1 node .*h1/m);
  });

  it('prints a warning with the number of held devices of the lost resources', async () => {
    await cluster.admin.must('PATCH', '/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates/h1/status', {
      body: {
        status: {
          source: 'policy',
          resources: [
            {
              name: 'fast',
              parent: 'eth1',
              mode: 'bridge',
              source: 'policy',
              policy: 'macvtap-cni/p',
              quantity: 100,
              held: 3,
            },
          ],
        },
      },
      contentType: 'application/merge-patch+json',
    });
    const readWarnings = async () =>
      (await kubectl(['apply', '--dry-run=server', '-f', '-'], policy('p', { parentSelector: [bonded] }))).stderr;
    // The webhook receives the state a moment later.
    const stderr = await until(readWarnings, (text) => /\b3\b/.test(text));
    assert.match(stderr, /^Warning: ResourceLost .*fast: 1 node loses it, 3 devices held: h1/m);
  });

  it('prints warnings about nodes that keep a changed resource', async () => {
    const edited = policy('p', { parentSelector: [{ ...bonded, quantity: 10 }, fast] });
    const { code, stderr } = await kubectl(['apply', '-f', '-'], edited);
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: ResourceChanged .*bonded: 2 nodes .*25 -> 10/m);
    assert.doesNotMatch(stderr, /ResourceLost|ResourceGained/);
  });

  it('prints no warning if nothing changes', async () => {
    const edited = policy('p', { parentSelector: [{ ...bonded, quantity: 10 }, fast], priority: 98 });
    assert.deepEqual(await kubectl(['apply', '-f', '-'], edited), {
      code: 0,
      stdout: 'macvtapnetworknodepolicy.macvtap.network.kubevirt.io/p configured\n',
      stderr: '',
    });
  });

  it('that overlaps with another policy prints which one wins', async () => {
    const { code, stderr } = await kubectl(
      ['apply', '-f', '-'],
      policy('q', { parentSelector: [{ ...bonded, mode: 'vepa' }] }),
    );
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: PolicyOverlap .*macvtap-cni\/p/m);
  });

  it('that deletes the policy prints the same warnings, and succeeds', async () => {
    const { code, stderr } = await kubectl(['delete', 'mvnnp', 'p']);
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: ResourceLost .*fast: 1 node .*h1/m);
  });

  it('in another namespace is refused with that reason', async () => {
    const { code, stderr } = await cluster.kubectl(
      ['apply', '-n', 'tenant', '-f', '-'],
      policy('p', { parentSelector: [bonded] }),
    );
    assert.equal(code, 1);
    assert.match(
      stderr,
      /check-policies\.macvtap.* denied the request: PolicyOutsideNamespace metadata\.namespace: .*macvtap-cni.*; see docs\/reference\/reasons\.md#PolicyOutsideNamespace$/m,
    );
  });
});
