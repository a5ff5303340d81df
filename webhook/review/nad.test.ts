// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceAnnotation } from '../../policy/nad/read-nad.ts';
import { collectOffers } from '../../policy/offers/offers-index.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import {
  codesOf,
  editsOf,
  emptySnapshot,
  type ReviewStageOptions,
  stageReviews,
} from '../../test/fixtures/webhook/review-stage.ts';

const kind = 'NetworkAttachmentDefinition';
const namespaces = new Map([['tenant', {}]]);
const bond = policy('bond', { parentSelector: [{ parentIface: 'bond1', mode: 'private', resourceName: 'dataplane' }] });
const cached = { namespaces, policies: [bond] };

/** Returns a network, without an annotation if no resource is given. */
function nad(config: unknown, resource?: string) {
  const annotations = resource && { [resourceAnnotation]: `${resourcePrefix}${resource}` };
  const written = typeof config === 'string' ? config : JSON.stringify(config);
  return { metadata: { name: 'net', ...(annotations && { annotations }) }, spec: { config: written } };
}

const whole = nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap', mode: 'private' }, 'dataplane');
const mutate = (object: unknown, options: ReviewStageOptions = { cached }) =>
  stageReviews(options).review('mutate', kind, { object });
const validate = (object: unknown, options: ReviewStageOptions = { cached }) =>
  stageReviews(options).review('validate', kind, { object });

describe('a network', () => {
  it('gets the resource with its own name and the mode of that resource, from the cache only', async () => {
    const answer = await mutate({ ...nad('{"type": "macvtap"}'), metadata: { name: 'dataplane' } });
    assert.deepEqual(editsOf(answer), [
      {
        op: 'add',
        path: '/metadata/annotations',
        value: { [resourceAnnotation]: 'macvtap.network.kubevirt.io/dataplane' },
      },
      {
        op: 'replace',
        path: '/spec/config',
        value:
          '{"type": "macvtap", "name": "dataplane", "cniVersion": "1.0.0", "mode": "private", "modeFrom": "policy"}',
      },
    ]);
  });

  it('with another name gets the only resource that is offered now, not the only one in the cache', async () => {
    const object = nad('{"type": "macvtap"}');
    const answer = await mutate(object, { cached, live: cached });
    assert.match(JSON.stringify(editsOf(answer)), /network\.kubevirt\.io\/dataplane.*private/);
    const second = policy('second', { parentSelector: [{ parentIface: 'bond2', resourceName: 'other' }] });
    const between = await mutate(object, { cached, live: { ...cached, policies: [bond, second] } });
    assert.doesNotMatch(JSON.stringify(editsOf(between)), /resourceName/);
  });

  it('with an offered resource gets its mode without a look-up, also in an unknown namespace', async () => {
    const answer = await mutate(nad('{"type": "macvtap"}', 'dataplane'), { cached: { policies: [bond] } });
    assert.match(JSON.stringify(editsOf(answer)), /private/);
    assert.equal(answer.warnings, undefined);
  });

  it('that is complete gets no patch, and is valid', async () => {
    assert.deepEqual(await mutate(whole), { uid: 'u', allowed: true });
    assert.deepEqual(await validate(whole), { uid: 'u', allowed: true });
  });

  it('of another plugin passes unchanged and without a look-up, whatever its config contains', async () => {
    for (const object of [nad({ type: 'bridge' }), nad('{'), nad(''), { metadata: {} }, { metadata: {}, spec: null }]) {
      assert.deepEqual(await mutate(object, {}), { uid: 'u', allowed: true });
      assert.deepEqual(await validate(object, {}), { uid: 'u', allowed: true });
    }
  });

  it('that is deleted passes', async () => {
    const { review } = stageReviews();
    for (const verb of ['mutate', 'validate'] as const) {
      const answer = await review(verb, kind, { operation: 'DELETE', oldObject: nad('nonsense macvtap') });
      assert.deepEqual(answer, { uid: 'u', allowed: true });
    }
  });

  it('with a broken config is denied with the position of the error', async () => {
    const answer = await validate(nad('{\n  "type": "macvtap"\n  "mode": "private"\n}'));
    assert.deepEqual(codesOf(answer), ['ConfigNotJson']);
    assert.match(answer.status?.message ?? '', /^ConfigNotJson spec\.config: .*line 3, column 3/);
    assert.deepEqual(await mutate(nad('{"type": "macvtap",}')), { uid: 'u', allowed: true });
  });

  it('with any config gets the code of its error, and no bug', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const cases: readonly [config: unknown, codes: readonly string[]][] = [
      ['', []],
      [null, []],
      [undefined, []],
      [[], ['ConfigNotJson']],
      [7, ['ConfigNotJson']],
      [{ type: 'macvtap' }, ['ConfigNotJson']],
      ['[{"type": "macvtap"}]', ['ConfigNotJson']],
      ['\ufeff{"type": "macvtap"}', ['ConfigNotJson']],
      ['// of ours\n{"type": "macvtap"}', ['ConfigNotJson']],
      ['{"type": "macvtap", "type": "macvtap"}', ['AmbiguousKey']],
      ['{"type": "bridge", "TYPE": "macvtap"}', ['AmbiguousKey']],
      ['{"type": "macvtap", "__proto__": {"mtu": 1}, "constructor": 1}', []],
      [`{"type": "macvtap", "deep": ${deep}}`, ['ConfigNotJson']],
      [`{"type": "macvtap", "long": "${'x'.repeat(2_000_000)}"}`, []],
      ['{"plugins": {"type": "macvtap"}}', ['TypeMissing']],
      ['{"plugins": [null, {"type": "macvtap"}]}', ['TypeMissing']],
      [`{"plugins": [${Array(20_000).fill('{"type": "macvtap"}').join()}]}`, ['PluginsTooMany']],
      [`{"plugins": [${Array(100_000).fill('null').join()}, {"type": "macvtap"}]}`, Array(8).fill('TypeMissing')],
    ];
    const { review, events } = stageReviews({ cached });
    for (const [config, codes] of cases) {
      const object = { ...whole, spec: { config } };
      const told = JSON.stringify(config)?.slice(0, 60);
      assert.deepEqual(codesOf(await review('validate', kind, { object })), codes, told);
      assert.equal((await review('mutate', kind, { object })).allowed, true, told);
    }
    assert.deepEqual(
      events.filter((event) => event.startsWith('bug')),
      [],
    );
  });

  it('with an unknown resource is denied with similar names, gets a warning, or passes', async () => {
    const typo = nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap' }, 'dataplain');
    const options = { cached, live: cached };
    const answer = await validate(typo, options);
    assert.deepEqual(codesOf(answer), ['ResourceUnknown']);
    assert.match(answer.status?.message ?? '', /did you mean dataplane\?/);
    const warned = await validate(typo, { ...options, unknownResource: 'Warn' });
    assert.match(warned.warnings?.[0] ?? '', /^ResourceUnknown .*did you mean dataplane\?/);
    assert.deepEqual(await validate(typo, { ...options, unknownResource: 'Allow' }), { uid: 'u', allowed: true });
  });

  it('gets only a warning on an update about errors that existed before', async () => {
    const object = nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap', mtu: 1 }, 'dataplane');
    const labelled = { ...object, metadata: { ...object.metadata, labels: { a: 'b' } } };
    const { review } = stageReviews({ cached });
    const answer = await review('validate', kind, { operation: 'UPDATE', object: labelled, oldObject: object });
    assert.equal(answer.allowed, true);
    assert.match(answer.warnings?.join() ?? '', /IllegalMtu/);
    assert.deepEqual(codesOf(await review('validate', kind, { object })), ['IllegalMtu']);
  });
});

describe('a network that the cached facts would deny', () => {
  const behind = { namespaces, policies: [] };

  it('is allowed if its policy was applied just before it', async () => {
    const options = { cached: behind, live: cached };
    assert.deepEqual(await validate(whole, options), { uid: 'u', allowed: true });
    const edits = editsOf(await mutate(nad({ type: 'macvtap', name: 'net' }), options));
    assert.match(JSON.stringify(edits), /dataplane.*mode\\*":\\*"private/);
  });

  it('is reviewed with the policy as it was just edited', async () => {
    const edited = policy('bond', {
      parentSelector: [{ parentIface: 'bond1', mode: 'vepa', resourceName: 'dataplane' }],
    });
    assert.deepEqual(codesOf(await validate(whole, { cached: { ...cached, policies: [edited] }, live: cached })), []);
  });

  it('causes one list and one GET, and no request if the cached facts suffice', async () => {
    const { review, events } = stageReviews({ cached: behind, live: cached });
    await review('validate', kind, { object: whole });
    assert.deepEqual(events, [
      'lookup policies found',
      'lookup namespace found',
      'review NetworkAttachmentDefinition validate allowed',
    ]);
  });

  it('is reviewed with the labels of its namespace, which are read if the cache does not have them', async () => {
    const restricted = policy('bond', {
      namespaceSelector: { matchLabels: { team: 'a' } },
      parentSelector: [{ parentIface: 'bond1', mode: 'private', resourceName: 'dataplane' }],
    });
    const options = { cached: { policies: [restricted] } };
    const admitted = { policies: [restricted], namespaces: new Map([['tenant', { team: 'a' }]]) };
    assert.deepEqual(await validate(whole, { ...options, live: admitted }), { uid: 'u', allowed: true });
    const other = { policies: [restricted], namespaces };
    assert.match((await validate(whole, { ...options, live: other })).warnings?.[0] ?? '', /^NamespaceNotAdmitted/);
  });

  it('gets the warning about its namespace without a look-up', async () => {
    const selective = policy('bond', {
      namespaceSelector: { matchLabels: { team: 'a' } },
      parentSelector: [{ parentIface: 'bond1', mode: 'private', resourceName: 'dataplane' }],
    });
    const { warnings } = await validate(whole, { cached: { namespaces, policies: [selective] } });
    assert.match(warnings?.[0] ?? '', /^NamespaceNotAdmitted/);
  });

  it('is refused with a request to retry if the look-ups fail', async () => {
    const lookups = { policies: () => Promise.reject(new Error('refused')), namespace: async () => ({}) };
    for (const ask of [mutate, validate]) {
      const { allowed, status } = await ask(whole, { cached: behind, lookups });
      assert.deepEqual([allowed, status?.code, status?.details], [false, 503, { retryAfterSeconds: 1 }]);
      assert.match(status?.message ?? '', /^LookupFailed: MacvtapNetworkNodePolicies could not be read: refused; try/);
    }
  });

  it("is refused after half of the API server's timeout if the look-ups hang", async () => {
    const hang = () => new Promise<never>(() => {});
    const { review } = stageReviews({ cached: behind, lookups: { policies: hang, namespace: hang } });
    const { status } = await review('validate', kind, { object: whole }, '100ms');
    assert.deepEqual([status?.code, /was not read in time/.test(status?.message ?? '')], [503, true]);
  });
});

describe('a network while look-ups fail', () => {
  const behind = { namespaces, policies: [] };
  const lookups = { policies: () => Promise.reject(new Error('refused')), namespace: async () => ({}) };
  const relabel = (object: ReturnType<typeof nad>) => ({
    ...object,
    metadata: { ...object.metadata, labels: { a: 'b' } },
  });
  const update = (verb: 'mutate' | 'validate', object: object, oldObject: object, options: ReviewStageOptions) =>
    stageReviews(options).review(verb, kind, { operation: 'UPDATE', object, oldObject });

  it('that an update leaves unchanged passes without a look-up, with a warning about its old errors', async () => {
    for (const old of [whole, nad({ type: 'macvtap', name: 'net', cniVersion: '1.0.0' })]) {
      assert.deepEqual(await update('mutate', relabel(old), old, { cached: behind }), { uid: 'u', allowed: true });
      const { allowed, warnings } = await update('validate', relabel(old), old, { cached: behind });
      assert.equal(allowed, true);
      assert.match(warnings?.[0] ?? '', /^Resource(Unknown|Missing) /);
    }
  });

  it('whose resource or config is changed by an update causes look-ups', async () => {
    const other = nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap', mode: 'private' }, 'other');
    const longer = { ...whole, spec: { config: `${whole.spec.config} ` } };
    for (const verb of ['mutate', 'validate'] as const) {
      assert.equal((await update(verb, whole, other, { cached: behind, lookups })).status?.code, 503);
      // The resource was already unknown before the update, so the update is not denied.
      const { allowed, warnings } = await update(verb, whole, longer, { cached: behind, lookups });
      assert.equal(allowed, true);
      assert.match(warnings?.[0] ?? '', /^LookupFailed/);
    }
  });

  it('is reviewed from the cache, with a warning, if the cached facts do not deny it', async () => {
    const bare = nad('{"type":"macvtap"}', 'dataplane');
    for (const unknownResource of ['Warn', 'Allow'] as const) {
      for (const synced of [true, false]) {
        const options = { cached: behind, lookups, unknownResource, synced };
        const changed = await mutate(bare, options);
        assert.match(String(editsOf(changed)[0]?.value), /"name":"net","cniVersion":"1.0.0"/);
        assert.match(changed.warnings?.[0] ?? '', /^LookupFailed: .*refused.*the webhook used its cache instead$/);
      }
    }
    const told = async (unknownResource: 'Warn' | 'Allow') =>
      (await validate(whole, { cached: behind, lookups, unknownResource })).warnings?.map(
        (text) => text.split(/[ :]/)[0],
      );
    assert.deepEqual(await told('Warn'), ['LookupFailed', 'ResourceUnknown']);
  });

  it('that names no resource is refused if the look-up fails, whatever unknownResource is', async () => {
    const options = { cached: behind, lookups, unknownResource: 'Allow' } as const;
    for (const ask of [mutate, validate])
      assert.equal((await ask(nad('{"type":"macvtap"}'), options)).status?.code, 503);
  });

  it('is refused if there is a bug', async () => {
    for (const bug of [new TypeError('a bug'), new MacvtapError('Unexpected', 'a bug')]) {
      const withPolicies = () => {
        throw bug;
      };
      const offers = { current: collectOffers({ ...emptySnapshot, ...behind }), withPolicies };
      const { review } = stageReviews({ cached: behind, live: cached, unknownResource: 'Warn', offers });
      for (const verb of ['mutate', 'validate'] as const) {
        assert.equal((await review(verb, kind, { object: whole })).status?.code, 500, verb);
      }
    }
  });
});

describe('a network before the first sync', () => {
  const options = { synced: false, live: { namespaces, policies: [bond] } };

  it('is refused with a request to retry, unless a policy already offers its resource', async () => {
    const implicit = nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap' }, 'eth1');
    for (const ask of [mutate, validate]) {
      const { allowed, status } = await ask(implicit, options);
      assert.deepEqual([allowed, status?.code], [false, 503]);
      assert.match(status?.message ?? '', /has not read the resources of the nodes yet; try again/);
      assert.deepEqual(await ask(whole, options), { uid: 'u', allowed: true });
    }
  });

  it('that names no resource is also asked to retry, because the offered resources are not known yet', async () => {
    const { status } = await validate(nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap' }), options);
    assert.deepEqual([status?.code, codesOf({ uid: 'u', allowed: false, ...(status && { status }) })], [503, []]);
  });

  it('is denied for an error that does not depend on the cluster', async () => {
    const broken = nad({ cniVersion: '1.0.0', name: 'net', type: 'macvtap', mtu: 1 }, 'dataplane');
    assert.deepEqual(codesOf(await validate(broken, options)), ['IllegalMtu']);
  });
});
