// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import jsonpatch from 'jsonpatch';
import type { NetworkAttachmentDefinition } from '../../cluster/source.ts';
import { resourceAnnotation } from '../../policy/nad/read-nad.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { codesOf, editsOf, type ReviewStageOptions, stageReviews } from '../../test/fixtures/webhook/review-stage.ts';

const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';
const defaultNetworkAnnotation = 'v1.multus-cni.io/default-network';
const dataplane = `${resourcePrefix}dataplane`;
const entry = { parentIface: 'bond1', resourceName: 'dataplane' };
const open = policy('open', { parentSelector: [entry] });
const restricted = policy('restricted', {
  namespaceSelector: { matchLabels: { team: 'a' } },
  parentSelector: [entry],
});
const namespaces = new Map([['tenant', {}]]);

function network(name: string, namespace = 'tenant'): readonly [string, NetworkAttachmentDefinition] {
  const annotations = { [resourceAnnotation]: dataplane };
  return [`${namespace}/${name}`, { metadata: { name, namespace, annotations }, spec: { config: '{}' } }];
}

const cached = { namespaces, policies: [open], networks: new Map([network('net')]) };

function pod(networks?: string, limits?: Readonly<Record<string, string>>) {
  const annotations = networks === undefined ? undefined : { [networksAnnotation]: networks };
  const container = { name: 'main', ...(limits && { resources: { limits, requests: limits } }) };
  return { metadata: { name: 'vm', ...(annotations && { annotations }) }, spec: { containers: [container] } };
}

const mutate = (object: unknown, options: ReviewStageOptions = { cached }) =>
  stageReviews(options).review('mutate', 'Pod', { object });
const validate = (object: unknown, options: ReviewStageOptions = { cached }) =>
  stageReviews(options).review('validate', 'Pod', { object });

/** Returns how many devices the patch adds to the first container. */
async function injected(object: unknown, options: ReviewStageOptions = { cached }): Promise<string | undefined> {
  const resources = editsOf(await mutate(object, options)).find(({ path }) => path.endsWith('/resources'));
  return (resources?.value as { limits: Record<string, string> } | undefined)?.limits[dataplane];
}

describe('a pod', () => {
  it('gets the devices that its networks need, from the cache only', async () => {
    assert.equal(await injected(pod('net')), '1');
    assert.equal(await injected(pod('[{"name": "net"}, {"name": "net", "namespace": "tenant"}]')), '2');
  });

  it('that already requests its devices, or needs none, gets no patch', async () => {
    for (const object of [pod('net', { [dataplane]: '1' }), pod(), pod('')]) {
      assert.deepEqual(await mutate(object), { uid: 'u', allowed: true });
    }
  });

  it('without containers, a spec or annotations passes without a patch', async () => {
    for (const spec of [null, {}, { containers: null }, { containers: [] }, { containers: [null, 7] }, 'text']) {
      const { allowed, patch } = await mutate({ metadata: { annotations: { [networksAnnotation]: 'net' } }, spec });
      assert.deepEqual([allowed, patch], [true, undefined], JSON.stringify(spec));
    }
    assert.deepEqual(await mutate({ metadata: { annotations: null } }), { uid: 'u', allowed: true });
  });

  it('with an invalid networks annotation passes with a warning', async () => {
    for (const broken of ['[', 'a/b/c', '{"name": "net"}', '[7]']) {
      const { allowed, patch, warnings } = await mutate(pod(broken));
      assert.deepEqual([allowed, patch, warnings?.length], [true, undefined, 1], broken);
    }
  });

  it('whose ambiguous keys may name a macvtap network is denied, whichever key is used', async () => {
    const networks = new Map([
      network('net'),
      ['tenant/bridge', { ...network('net')[1], metadata: { name: 'bridge', namespace: 'tenant' } }] as const,
    ]);
    const options = { cached: { ...cached, networks } };
    for (const written of [
      '[{"name":"bridge","NAME":"net"}]',
      '[{"name":"net","Name":"bridge"}]',
      '[{"name":"net","name":"net"}]',
    ]) {
      const answer = await mutate(pod(written), options);
      assert.deepEqual(codesOf(answer), ['AmbiguousKey'], written);
      assert.match(answer.status?.message ?? '', /line 1, column \d+: .* (once|keep one)/);
      assert.deepEqual(codesOf(await validate(pod(written), options)), ['AmbiguousKey'], written);
    }
    assert.equal((await mutate(pod('[{"Name":"bridge"}]'), options)).allowed, true);
  });

  it('with spaces, other namespaces and 200 networks gets all devices that they need', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `net${index}`);
    const networks = new Map([...names.map((name) => network(name, 'shared')), network('net')]);
    const annotation = ` ${names.map((name) => `shared/${name}@n${name.slice(3)}`).join(' , ')} ,net `;
    assert.equal(await injected(pod(annotation), { cached: { ...cached, networks } }), '201');
  });

  it('with a default network gets a device for it, found in the namespace where Multus looks', async () => {
    const object = { ...pod(), metadata: { name: 'vm', annotations: { [defaultNetworkAnnotation]: 'net' } } };
    const networks = new Map([network('net', 'openshift-multus')]);
    const options = { cached: { ...cached, networks }, multusNamespace: 'openshift-multus' };
    assert.equal(await injected(object, options), '1');
  });

  it('in a namespace that the policy does not admit is denied, also if it names the resource itself', async () => {
    const options = { cached: { ...cached, policies: [restricted] }, live: { namespaces, policies: [restricted] } };
    for (const object of [pod('net'), pod(undefined, { [dataplane]: '1' })]) {
      const answer = await validate(object, options);
      assert.deepEqual(codesOf(answer), ['NamespaceNotAdmitted']);
      assert.match(answer.status?.message ?? '', /restricted/);
    }
  });

  it('is denied because of the network that it names, and not because of the injected limit', async () => {
    const options = { cached: { ...cached, policies: [restricted] }, live: { namespaces, policies: [restricted] } };
    const written = pod('net');
    const made = jsonpatch.apply_patch(structuredClone(written), [...editsOf(await mutate(written, options))]);
    assert.match(JSON.stringify(made), /"limits":\{"macvtap/);
    const { status } = await validate(made, options);
    assert.deepEqual(
      status?.details?.causes?.map(({ field }) => field),
      [`metadata.annotations[${networksAnnotation}]`],
    );
  });

  it('is not denied if a label or policy that is not in the cache yet admits it', async () => {
    const options = { cached: { ...cached, policies: [restricted] } };
    for (const live of [
      { namespaces: new Map([['tenant', { team: 'a' }]]), policies: [restricted] },
      { namespaces, policies: [policy('restricted', { parentSelector: [entry] })] },
    ]) {
      assert.deepEqual(await validate(pod('net'), { ...options, live }), { uid: 'u', allowed: true });
    }
  });

  it('that is deleted passes', async () => {
    const { review } = stageReviews();
    for (const verb of ['mutate', 'validate'] as const) {
      const answer = await review(verb, 'Pod', { operation: 'DELETE', oldObject: pod('net') });
      assert.deepEqual(answer, { uid: 'u', allowed: true });
    }
  });
});

describe('a pod whose networks the cache has not seen', () => {
  const behind = { namespaces, policies: [open] };

  it('gets the devices that they need, with one GET for each network', async () => {
    const networks = new Map([network('net'), network('other')]);
    const { review, events } = stageReviews({ cached: behind, live: { networks } });
    const answer = await review('mutate', 'Pod', { object: pod('net,other,net') });
    assert.match(JSON.stringify(editsOf(answer)), /"3"/);
    assert.deepEqual(
      events.filter((event) => event.startsWith('lookup')),
      ['lookup network found', 'lookup network found'],
    );
  });

  it('gets a warning about networks that do not exist', async () => {
    const { allowed, warnings } = await mutate(pod('net'), { cached: behind, live: {} });
    assert.equal(allowed, true);
    assert.match(warnings?.join() ?? '', /NetworkMissing.*tenant\/net/);
  });

  it('causes at most 16 look-ups; with more networks, there are no look-ups and no missing networks', async () => {
    const named = (count: number) => ['net', ...Array.from({ length: count }, (_, index) => `absent${index}`)].join();
    const { review, events } = stageReviews({ cached, live: {} });
    const answer = await review('mutate', 'Pod', { object: pod(named(16)) });
    assert.match(JSON.stringify(editsOf(answer)), /"1"/);
    assert.equal(events.filter((event) => event === 'lookup network absent').length, 16);

    const { allowed, patch, warnings } = await mutate(pod(named(17)));
    assert.deepEqual([allowed, patch, warnings?.length], [true, undefined, 1]);
    assert.match(warnings?.[0] ?? '', /^LookupFailed: the pod names 17 networks.*at most 16.*passes unchanged$/);
    assert.deepEqual((await validate(pod(named(17)))).status?.code, 503);
  });

  it('causes few requests even if there are many such pods, and other namespaces still get look-ups', async () => {
    const { review, events } = stageReviews({ cached, live: {} });
    const lookedUp = () => events.filter((event) => event === 'lookup network absent').length;
    const named = (index: number) => pod(Array.from({ length: 16 }, (_, nth) => `absent${index}-${nth}`).join());
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => review('validate', 'Pod', { object: named(index) })),
    );
    assert.ok(lookedUp() < 120, `${lookedUp()} requests`);
    const refused = answers.filter(({ status }) => status?.code === 503);
    assert.ok(refused.length > 40);
    assert.match(refused.at(-1)?.status?.message ?? '', /^LookupFailed: .*too many look-ups; try again$/);
    const before = lookedUp();
    const other = await review('validate', 'Pod', { namespace: 'other', object: pod('absent') });
    assert.deepEqual([other.status?.code, lookedUp()], [undefined, before + 1]);
  });

  it('passes without devices and with a warning if the look-up fails, and validation refuses it', async () => {
    const lookups = { network: () => Promise.reject(new Error('refused')) };
    const passing = await mutate(pod('net'), { cached: behind, lookups });
    assert.deepEqual([passing.allowed, passing.patch], [true, undefined]);
    assert.match(passing.warnings?.[0] ?? '', /^LookupFailed: .*tenant\/net could not be read: refused.*unchanged$/);
    const { allowed, status } = await validate(pod('net'), { cached: behind, lookups });
    assert.deepEqual([allowed, status?.code], [false, 503]);
  });
});

describe('a pod whose network is known to name no resource', () => {
  const bare = { metadata: { name: 'net', namespace: 'tenant' }, spec: { config: '{"type":"macvtap"}' } };
  const behind = { ...cached, networks: new Map([['tenant/net', bare], network('other')]) };

  it('gets its devices if the network was just fixed, without a warning', async () => {
    const options = { cached: behind, live: cached };
    const answer = await mutate(pod('net,other'), options);
    assert.match(JSON.stringify(editsOf(answer)), /"2"/);
    assert.equal(answer.warnings, undefined);
    assert.equal((await validate(pod('net,other', { [dataplane]: '2' }), options)).warnings, undefined);
  });

  it('gets the devices of its other networks if that one is unchanged, is missing or cannot be read', async () => {
    const hung = { network: () => Promise.reject(new Error('refused')) };
    for (const options of [{ live: behind }, { live: {} }, { lookups: hung }]) {
      const { patch, allowed, warnings } = await mutate(pod('net,other'), { cached: behind, ...options });
      assert.deepEqual([patch !== undefined, allowed, warnings?.length], [true, true, 1]);
      assert.match(
        warnings?.[0] ?? '',
        'live' in options && !('networks' in options.live) ? /^NetworkMissing/ : /^NotInj/,
      );
    }
  });

  it('causes at most 16 look-ups', async () => {
    const names = Array.from({ length: 70 }, (_, index) => `net${index}`);
    const networks = new Map(
      names.map((name) => [`tenant/${name}`, { ...bare, metadata: { ...bare.metadata, name } }]),
    );
    const { review, events } = stageReviews({ cached: { ...cached, networks }, live: { networks } });
    await review('mutate', 'Pod', { object: pod(names.join()) });
    assert.equal(events.filter((event) => event === 'lookup network found').length, 16);
  });
});

it('a pod with more containers than kubelet can run passes without devices, and validation refuses it', async () => {
  const containers = Array.from({ length: 1_025 }, (_, index) => ({ name: `c${index}` }));
  const large = (count: number) => ({ ...pod('net'), spec: { containers: containers.slice(0, count) } });
  const { allowed, patch, warnings } = await mutate(large(1_025));
  assert.deepEqual([allowed, patch, warnings?.length], [true, undefined, 1]);
  assert.match(warnings?.[0] ?? '', /^PodTooLarge: the pod has 1025 containers; .*passes unchanged$/);
  assert.equal((await validate(large(1_025))).status?.code, 400);
  assert.equal((await mutate(large(1_024))).warnings, undefined);
});

describe('a pod before the first sync', () => {
  it('is mutated and validated with the results of look-ups', async () => {
    const live = { namespaces, policies: [restricted], networks: new Map([network('net')]) };
    assert.equal(await injected(pod('net'), { synced: false, live }), '1');
    assert.deepEqual(codesOf(await validate(pod('net'), { synced: false, live })), ['NamespaceNotAdmitted']);
    const admitted = { ...live, namespaces: new Map([['tenant', { team: 'a' }]]) };
    assert.deepEqual(codesOf(await validate(pod('net'), { synced: false, live: admitted })), []);
  });
});
