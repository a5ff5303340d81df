// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createScriptedClient } from '../../test/fixtures/certs/scripted-client.ts';
import type { ApiResponse } from './client.ts';
import { createCaBundlePublisher } from './publish-ca-bundle.ts';

// test/apiserver/certificate-objects.test.ts sends these requests to a real API server.
const { signal } = new AbortController();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const configurations = [
  { kind: 'MutatingWebhookConfiguration', name: 'm' },
  { kind: 'ValidatingWebhookConfiguration', name: 'v' },
] as const;
const root = '/apis/admissionregistration.k8s.io/v1';
const mutating = `${root}/mutatingwebhookconfigurations/m`;
const validating = `${root}/validatingwebhookconfigurations/v`;
const configuration = (...bundles: readonly (string | undefined)[]) => ({
  metadata: { name: 'x', uid: 'u', resourceVersion: '7' },
  webhooks: bundles.map((bundle) => ({ clientConfig: bundle === undefined ? {} : { caBundle: base64(bundle) } })),
});

function publisherOf(answers: Readonly<Record<string, Partial<ApiResponse> | Error>>) {
  const client = createScriptedClient((line) => answers[line] ?? { status: 200 });
  const writes = () => client.requests.filter(({ line }) => line.startsWith('PATCH'));
  return { client, writes, publisher: createCaBundlePublisher({ client, configurations }) };
}

describe('the bundles of webhook configurations', () => {
  it('are written in every webhook of a configuration if one of them differs, and otherwise not', async () => {
    const { publisher, writes } = publisherOf({
      [`GET ${mutating}`]: {
        body: { ...configuration('new', 'old', undefined), metadata: { name: 'm', uid: 'u', resourceVersion: '7' } },
      },
      [`GET ${validating}`]: {
        body: { ...configuration('new'), metadata: { name: 'v', uid: 'w', resourceVersion: '9' } },
      },
    });
    const publication = await publisher.read(signal);
    assert.deepEqual([publication.bundles, publication.version], [['new', 'old', '', 'new'], 'u/7,w/9']);
    assert.equal(await publication.replace('new', signal), 'written');
    const add = (index: number) => ({
      op: 'add',
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: base64('new'),
    });
    assert.deepEqual(writes(), [
      {
        line: `PATCH ${mutating}`,
        body: [{ op: 'replace', path: '/metadata/resourceVersion', value: '7' }, add(0), add(1), add(2)],
        contentType: 'application/json-patch+json',
      },
    ]);
  });

  it('are written to the existing configurations, and a missing one is reported', async () => {
    const { publisher, writes } = publisherOf({
      [`GET ${mutating}`]: { status: 404, body: { message: 'not found' } },
      [`GET ${validating}`]: {
        body: { ...configuration('old'), metadata: { name: 'v', uid: 'w', resourceVersion: '9' } },
      },
    });
    const publication = await publisher.read(signal);
    assert.deepEqual(publication.problems, [
      'get MutatingWebhookConfiguration m: 404: not found; apply the chart again',
    ]);
    assert.equal(await publication.replace('new', signal), 'written');
    assert.deepEqual(
      writes().map(({ line }) => line),
      [`PATCH ${validating}`],
    );
  });

  it('cause a problem each while the server does not respond', async () => {
    const away = new Error('connection refused');
    const { publisher } = publisherOf({ [`GET ${mutating}`]: away, [`GET ${validating}`]: away });
    const { bundles, problems } = await publisher.read(signal);
    assert.deepEqual([bundles, problems], [[], ['connection refused', 'connection refused']]);
  });

  it('have a version that changes with the webhooks, but not with labels', async () => {
    const versionOf = async (resourceVersion: string, generation: number) => {
      const body = { ...configuration('a'), metadata: { name: 'm', uid: 'u', resourceVersion, generation } };
      const { publisher } = publisherOf({ [`GET ${mutating}`]: { body }, [`GET ${validating}`]: { body } });
      return (await publisher.read(signal)).version;
    };
    assert.equal(await versionOf('7', 1), await versionOf('8', 1));
    assert.notEqual(await versionOf('8', 1), await versionOf('9', 2));
  });

  for (const [what, webhooks, bundles] of [
    ['not a list', 'x', []],
    [
      'a list of arbitrary values',
      [null, 1, {}, { clientConfig: null }, { clientConfig: { caBundle: 5 } }],
      ['', '', '', '', ''],
    ],
    ['none', undefined, []],
  ] as const) {
    it(`are read from webhooks that are ${what}`, async () => {
      const body = { metadata: { name: 'm', uid: 'u', resourceVersion: '7' }, webhooks };
      const { publisher } = publisherOf({
        [`GET ${mutating}`]: { body },
        [`GET ${validating}`]: { body: { ...body, webhooks: [] } },
      });
      assert.deepEqual((await publisher.read(signal)).bundles, bundles);
    });
  }

  for (const [status, result] of [
    [409, 'conflict'],
    [404, 'conflict'],
    [403, /^write the caBundle of MutatingWebhookConfiguration m: 403: .*; grant it in a role/],
    [422, /^write the caBundle of MutatingWebhookConfiguration m: 422/],
  ] as const) {
    it(`are written to the other configuration even if one gets ${status}`, async () => {
      const body = (name: string) => ({ ...configuration('old'), metadata: { name, uid: 'u', resourceVersion: '7' } });
      const { publisher, writes } = publisherOf({
        [`GET ${mutating}`]: { body: body('m') },
        [`GET ${validating}`]: { body: body('v') },
        [`PATCH ${mutating}`]: { status, body: { message: 'no' } },
      });
      const replaced = (await publisher.read(signal)).replace('new', signal);
      if (result === 'conflict') assert.equal(await replaced, result);
      else await assert.rejects(replaced, { code: 'ApiServerRefused', message: result });
      assert.equal(writes().length, 2);
    });
  }
});
