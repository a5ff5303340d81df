// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiAnswer } from '../control-plane/api-client.ts';
import { listFixtureRules, readFixtures } from '../fixtures/read-fixtures.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { makeNamespace } from './install.ts';

// Without the webhook, the API server checks the fixtures of the policy engine only with the schema and its CEL rules.
// It must accept every policy that the engine accepts, and find no errors that the engine does not find.
const cluster = await clusterOfFile();
await makeNamespace(cluster, 'tenant');

/** Rules of the engine whose errors the API server finds without the webhook. */
const checkedBySchema = ['check-entries', 'check-vlan'];

/**
 * If the schema has a default, the API server replaces a null with it. The engine refuses a null in a file, because a
 * person probably forgot to write the value.
 */
const nullWithDefault = 'spec.parentSelector[0].allowHostInterface';

const rules = listFixtureRules('nodepolicy');

describe('the schema of a policy, at a real API server', () => {
  for (const { title, object } of rules.flatMap((rule) => readFixtures('nodepolicy', rule, 'pass'))) {
    it(`accepts ${title}`, async () => {
      const { status, body, warnings } = await create(object);
      assert.deepEqual({ status, warnings }, { status: 201, warnings: [] }, JSON.stringify(body));
    });
  }

  for (const { title, object, expected } of readFixtures('nodepolicy', 'schema', 'fail')) {
    it(`refuses ${title} at exactly the paths that the engine reports`, async () => {
      const places = expected.filter((place) => place !== nullWithDefault);
      assert.deepEqual(placesOf(await create(object)), places.sort());
    });
  }

  for (const rule of rules.filter((name) => name !== 'schema')) {
    for (const { title, object, expected } of readFixtures('nodepolicy', rule, 'fail')) {
      if (checkedBySchema.includes(rule)) {
        it(`refuses ${title} at the paths that the engine reports, without a webhook`, async () => {
          const places = placesOf(await create(object));
          assert.notDeepEqual(places, []);
          for (const place of places)
            assert.ok(
              expected.some((line) => line.includes(` ${place}`)),
              place,
            );
        });
      } else {
        it(`accepts ${title}, which only the webhook refuses`, async () =>
          assert.equal((await create(object)).status, 201));
      }
    }
  }

  it('drops unknown fields with a warning if a client does not request strict validation', async () => {
    const [unknown] = readFixtures('nodepolicy', 'schema', 'fail').filter(({ title }) => title.endsWith('-top'));
    const { status, warnings } = await create(unknown?.object, 'Warn');
    assert.deepEqual({ status, warnings }, { status: 201, warnings: ['unknown field "specs"'] });
  });
});

function create(object: unknown, fieldValidation = 'Strict'): Promise<ApiAnswer> {
  const { namespace = 'default' } = (object as { metadata: { namespace?: string } }).metadata;
  const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${namespace}/macvtapnetworknodepolicies`;
  return cluster.admin.call('POST', `${path}?dryRun=All&fieldValidation=${fieldValidation}`, { body: object });
}

/** Returns the fields with errors of the API server, without duplicates, as the engine writes paths. */
function placesOf({ status, body }: ApiAnswer): readonly string[] {
  const { message, details } = body as { message: string; details?: { causes?: readonly { field: string }[] } };
  assert.ok(status === 422 || status === 400, `${status} ${message}`);
  // After errors of the schema, the API server skips CEL rules. It reports that as a cause without a field.
  const causes = details?.causes?.map(({ field }) => field).filter((field) => field !== '<nil>') ?? [];
  const unknown = [...message.matchAll(/unknown field "([^"]+)"/g)].map(([, field = '']) => field);
  return [...new Set([...causes, ...unknown])].sort();
}
