// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsonpatch from 'jsonpatch';
import { policy, policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { type Asked, editsOf, stageReviews, unlimited } from '../../test/fixtures/webhook/review-stage.ts';

const resourcePrefix = 'macvtap.network.kubevirt.io/';
const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';
const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';

const namespaces = new Map([[policyNamespace, { team: 'a' }]]);
const policies = [
  policy('bond', { parentSelector: [{ parentIface: 'bond1', mode: 'private', resourceName: 'dataplane' }] }),
  policy('fast', { parentSelector: [{ parentIface: 'eth1', mode: 'vepa' }] }),
  policy('closed', {
    namespaceSelector: { matchLabels: { team: 'a' } },
    parentSelector: [{ parentIface: 'eth2', resourceName: 'other' }],
  }),
];
const metadata = (name: string) => ({ name, namespace: policyNamespace });
const networks = new Map(
  ['dataplane', 'eth1', 'other'].map((name) => [
    `${policyNamespace}/${name}`,
    { metadata: { ...metadata(name), annotations: { [resourceAnnotation]: `${resourcePrefix}${name}` } } },
  ]),
);
const cluster = { namespaces, policies, networks };
const { app, review, events } = stageReviews({ budget: unlimited, cached: cluster, live: cluster });

const kinds = ['NetworkAttachmentDefinition', 'Pod', 'MacvtapNetworkNodePolicy'] as const;
const verbs = ['mutate', 'validate'] as const;
const paths = ['network-attachment-definitions', 'pods', 'macvtapnetworknodepolicies'];

/** Keys that the rules look for. With the values in `words`, they are frequent in the arbitrary JSON below. */
const keys = [
  ...[
    'metadata',
    'spec',
    'config',
    'annotations',
    'name',
    'namespace',
    'type',
    'plugins',
    'mode',
    'modeFrom',
    'mtu',
    'mac',
  ],
  ...[
    'containers',
    'initContainers',
    'resources',
    'limits',
    'requests',
    'parentSelector',
    'parentIface',
    'nicSelector',
  ],
  ...['nodeSelector', 'matchLabels', 'matchExpressions', 'nodeAffinity', 'nodeSelectorTerms', 'values', 'resourceName'],
  ...['__proto__', 'constructor', 'toString', 'deletionTimestamp', resourceAnnotation, networksAnnotation],
  `${resourcePrefix}dataplane`,
];
const words = [
  'macvtap',
  'dataplane',
  'bond1',
  'private',
  '{"type":"macvtap"}',
  '[{"name":"eth1"}]',
  'eth1,other',
  '1',
  '',
];
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 7, depthSize: 'medium' },
    fc.constantFrom<unknown>(...words, null, true, false, 0, -1, 1, 1.5, 1e21),
    fc.string({ maxLength: 12 }),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 6 })), tie('json'), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
}));
const config = fc
  .record(
    {
      type: fc.constantFrom('macvtap', 'bridge'),
      name: fc.constantFrom('net', 'other'),
      cniVersion: fc.constantFrom('0.3.1', '1.0.0'),
      mode: fc.constantFrom('private', 'vepa'),
      parent: fc.constantFrom('bond1', 'eth1', 'eth9'),
      mtu: fc.constantFrom(68, 1500),
      mac: fc.constant('52:54:00:00:00:01'),
    },
    { requiredKeys: ['type'] },
  )
  .map((conf) => JSON.stringify(conf, undefined, 2));
const anyNad = fc.record({
  metadata: fc.record(
    {
      name: fc.constantFrom('net', 'dataplane', 'eth1'),
      annotations: fc.constantFrom(null, {}, { [resourceAnnotation]: `${resourcePrefix}dataplane` }),
    },
    { requiredKeys: ['name'] },
  ),
  spec: fc.record({
    config: fc.oneof(
      config,
      config.map((conf) => `{"plugins": [${conf}, {"type": "tuning"}]}`),
    ),
  }),
});
const quantities = fc.constantFrom(null, {}, { [`${resourcePrefix}dataplane`]: '1' }, { cpu: '1' });
const container = fc.record(
  {
    name: fc.constantFrom('main', 'compute'),
    resources: fc.record({ limits: quantities, requests: quantities }, { requiredKeys: [] }),
    restartPolicy: fc.constant('Always'),
  },
  { requiredKeys: ['name'] },
);
const anyPod = fc.record({
  metadata: fc.record({
    name: fc.constant('vm'),
    annotations: fc.record({
      [networksAnnotation]: fc.constantFrom(
        '',
        'dataplane',
        'eth1, dataplane, dataplane',
        '[{"name":"other"}]',
        'absent',
        '[',
      ),
    }),
  }),
  spec: fc.record(
    { containers: fc.array(container, { maxLength: 3 }), initContainers: fc.array(container, { maxLength: 2 }) },
    { requiredKeys: ['containers'] },
  ),
});
const anyPolicy = fc.record({
  metadata: fc.record({ name: fc.constant('p') }),
  spec: fc.record(
    {
      priority: fc.constantFrom(null, 0, 99),
      nodeSelector: fc.record({
        matchLabels: fc.dictionary(fc.constantFrom('a', 'b/c'), fc.constantFrom(true, 1, 'x', null)),
      }),
      parentSelector: fc.array(
        fc.record(
          {
            parentIface: fc.constantFrom('eth1', 'bond1'),
            mode: fc.constantFrom('bridge', 'passthru', null),
            quantity: fc.constantFrom(1, 100),
            resourceName: fc.constantFrom('a', 'b', 'c'),
          },
          { requiredKeys: ['parentIface'] },
        ),
        { minLength: 1, maxLength: 3 },
      ),
    },
    { requiredKeys: ['parentSelector'] },
  ),
});
const anyObject = fc.record({ metadata: json, spec: json }, { requiredKeys: [] });
const picks = fc.array(fc.nat(5), { minLength: 1, maxLength: 7 });

/** Replaces one field of a plausible object with an arbitrary value. */
function spoil(value: unknown, [pick = 0, ...deeper]: readonly number[], by: unknown): unknown {
  const names = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const name = names[pick % names.length];
  if (name === undefined) return typeof value === 'string' && deeper.length === 0 ? value.slice(0, pick * 9) : by;
  const inner = (value as Record<string, unknown>)[name];
  const spoiled = deeper.length === 0 ? by : spoil(inner, deeper, by);
  return Array.isArray(value) ? value.with(Number(name), spoiled) : { ...(value as object), [name]: spoiled };
}

/** Generates admission requests for any kind of object. Half of the objects are plausible. */
function askedOf(meaningful: fc.Arbitrary<object>): fc.Arbitrary<Asked> {
  const spoiled = fc.tuple(meaningful, picks, json).map(([value, path, by]) => spoil(value, path, by));
  const about = fc.oneof({ weight: 4, arbitrary: spoiled }, meaningful, anyObject, json);
  const operation = fc.constantFrom('CREATE' as const, 'UPDATE' as const, 'DELETE' as const);
  const namespace = fc.constantFrom(policyNamespace, 'tenant', 'unknown');
  return fc.record({ operation, namespace, object: about, oldObject: about });
}

const meant = { NetworkAttachmentDefinition: anyNad, Pod: anyPod, MacvtapNetworkNodePolicy: anyPolicy } as const;

describe('any request', () => {
  it('to any path with any body gets an answer in JSON', async () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      json.map((value) => JSON.stringify(value)),
    );
    const check = fc.asyncProperty(
      fc.constantFrom(...verbs),
      fc.constantFrom(...paths),
      body,
      async (verb, path, payload) => {
        const headers = { 'content-type': 'application/json' };
        const answer = await app.inject({ method: 'POST', url: `/${verb}/${path}`, headers, payload });
        assert.ok(answer.statusCode === 400 && typeof JSON.parse(answer.body).message === 'string', answer.body);
      },
    );
    await fc.assert(check, { numRuns: 300 });
  });

  for (const kind of kinds) {
    it(`with any ${kind} gets a well-formed answer, and causes no bug`, async () => {
      const check = fc.asyncProperty(fc.constantFrom(...verbs), askedOf(meant[kind]), async (verb, request) => {
        const { uid, allowed, status, patch, patchType, warnings = [] } = await review(verb, kind, request);
        assert.equal(uid, 'u');
        assert.equal(allowed, status === undefined);
        assert.equal(patch === undefined, patchType === undefined);
        assert.ok(verb === 'mutate' || patch === undefined);
        assert.ok(
          status === undefined || (status.message !== '' && [400, 403].includes(status.code)),
          JSON.stringify(status),
        );
        assert.ok(warnings.every((text) => [...text].length <= 256) && [...warnings.join('')].length <= 4_096);
      });
      await fc.assert(check, { numRuns: 500 });
      assert.deepEqual(
        events.filter((event) => event.startsWith('bug')),
        [],
      );
    });
  }
});

describe('the result of mutate', () => {
  for (const kind of kinds) {
    it(`for a ${kind} does not change when it is mutated again, and is valid if the object was`, async () => {
      const check = fc.asyncProperty(meant[kind] as fc.Arbitrary<object>, async (written) => {
        const ask = (verb: (typeof verbs)[number], about: unknown) =>
          review(verb, kind, { namespace: policyNamespace, object: about });
        const first = await ask('mutate', written);
        assert.equal(first.allowed, true, JSON.stringify(first));
        const made = jsonpatch.apply_patch(structuredClone(written), [...editsOf(first)]);
        assert.deepEqual(editsOf(await ask('mutate', made)), []);
        const [before, after] = [await ask('validate', written), await ask('validate', made)];
        assert.ok(after.allowed || !before.allowed, JSON.stringify(after));
      });
      await fc.assert(check, { numRuns: 300 });
    });
  }

  it('for a network without its defaults is valid', async () => {
    const whole = fc.constantFrom('bond1', 'eth1').map((parent) => ({
      metadata: { name: 'net' },
      spec: { config: JSON.stringify({ type: 'macvtap', parent }) },
    }));
    const check = fc.asyncProperty(whole, async (written) => {
      const kind = 'NetworkAttachmentDefinition';
      const edits = editsOf(await review('mutate', kind, { namespace: policyNamespace, object: written }));
      const made = jsonpatch.apply_patch(written, [...edits]);
      const answer = await review('validate', kind, { namespace: policyNamespace, object: made });
      assert.equal(answer.allowed, true, JSON.stringify(answer));
    });
    await fc.assert(check, { numRuns: 5 });
  });
});
