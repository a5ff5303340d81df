// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { codesOf, editsOf, stageReviews } from '../../test/fixtures/webhook/review-stage.ts';

const restricted = policy('p', {
  parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }],
  namespaceSelector: { matchLabels: { team: 'a' } },
});
const namespaces = new Map([
  ['tenant', { team: 'b' }],
  ['team-a', { team: 'a' }],
]);
const annotations = { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/data' };
const networks = new Map([['team-a/blue', { metadata: { namespace: 'team-a', name: 'blue', annotations } }]]);
const cached = { policies: [restricted], namespaces, networks };
const spec = {
  devices: { requests: [{ name: 'nic', exactly: { deviceClassName: 'data.macvtap.network.kubevirt.io' } }] },
};
const claim = { metadata: { name: 'c' }, spec };
const template = { metadata: { name: 'c' }, spec: { spec } };
const pod = {
  metadata: { name: 'p', annotations: { 'k8s.v1.cni.cncf.io/networks': 'blue' } },
  spec: { containers: [{ name: 'a' }], resourceClaims: [{ name: 'nic', resourceClaimName: 'c' }] },
};

describe('a ResourceClaim or ResourceClaimTemplate', () => {
  for (const [kind, object] of [
    ['ResourceClaim', claim],
    ['ResourceClaimTemplate', template],
  ] as const) {
    it(`is denied in a namespace that a policy does not admit: ${kind}`, async () => {
      const stage = stageReviews({ cached, live: cached });
      assert.deepEqual(codesOf(await stage.review('validate', kind, { object })), ['NamespaceNotAdmitted']);
      assert.ok(stage.events.includes(`denial ${kind} NamespaceNotAdmitted`));
      const allowed = await stage.review('validate', kind, { object, namespace: 'team-a' });
      assert.equal(allowed.allowed, true);
    });
  }

  it('is checked with the newest policies before it is denied', async () => {
    const stage = stageReviews({ cached, live: { ...cached, policies: [] } });
    assert.equal((await stage.review('validate', 'ResourceClaim', { object: claim })).allowed, true);
  });

  it('is not checked again on an update, or while it is being deleted', async () => {
    const stage = stageReviews({ cached });
    const updated = { operation: 'UPDATE', object: claim, oldObject: claim } as const;
    assert.equal((await stage.review('validate', 'ResourceClaim', updated)).allowed, true);
    const object = { ...claim, metadata: { name: 'c', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    assert.equal((await stage.review('validate', 'ResourceClaim', { object })).allowed, true);
  });
});

describe('a pod with claims', () => {
  it('is denied if its claim asks for a resource that its namespace may not use', async () => {
    const stage = stageReviews({ cached, live: cached, dra: true, lookups: lookupsWith(claim) });
    const object = { ...pod, metadata: { name: 'p' } };
    assert.deepEqual(codesOf(await stage.review('validate', 'Pod', { object })), ['NamespaceNotAdmitted']);
  });

  it('gets no second device for a network', async () => {
    const mutate = async (found: object | undefined, dra = true) => {
      const stage = stageReviews({ cached, dra, lookups: lookupsWith(found) });
      return editsOf(await stage.review('mutate', 'Pod', { object: pod, namespace: 'team-a' }));
    };
    assert.deepEqual(await mutate(claim), []);
    assert.equal((await mutate({ ...claim, spec: {} })).length, 2);
    assert.equal((await mutate(claim, false)).length, 2);
  });

  it('is not denied because its claim cannot be looked up', async () => {
    const stage = stageReviews({
      cached,
      dra: true,
      lookups: { claim: () => Promise.reject(new Error('not today')) },
    });
    const object = { ...pod, metadata: { name: 'p' } };
    assert.equal((await stage.review('validate', 'Pod', { object, namespace: 'team-a' })).allowed, true);
  });

  it('causes a limited number of look-ups', async () => {
    let reads = 0;
    const lookups = {
      claim: async () => {
        reads += 1;
        return undefined;
      },
    };
    const stage = stageReviews({ cached, dra: true, lookups });
    const resourceClaims = Array.from({ length: 1_000 }, (_, index) => ({
      name: `n${index}`,
      resourceClaimName: `c${index}`,
    }));
    const object = { metadata: { name: 'p' }, spec: { containers: [], resourceClaims } };
    await stage.review('validate', 'Pod', { object, namespace: 'team-a' });
    assert.equal(reads, 16);
  });

  it('is denied if it needs devices and one of its claims does not exist yet, because the claim may give them', async () => {
    const stage = stageReviews({ cached, dra: true, lookups: lookupsWith(undefined) });
    const denied = await stage.review('mutate', 'Pod', { object: pod, namespace: 'team-a' });
    assert.deepEqual(codesOf(denied), ['ClaimUnknown']);
    assert.match(
      denied.status?.message ?? '',
      /spec\.resourceClaims\[0\].*ResourceClaim c does not exist; needed: 1 of macvtap\.network\.kubevirt\.io\/data/s,
    );
    const resources = { limits: { 'macvtap.network.kubevirt.io/data': '1' } };
    const asking = { ...pod, spec: { ...pod.spec, containers: [{ name: 'a', resources }] } };
    assert.equal((await stage.review('mutate', 'Pod', { object: asking, namespace: 'team-a' })).allowed, true);
    const other = { ...pod, metadata: { name: 'p' } };
    assert.equal((await stage.review('mutate', 'Pod', { object: other, namespace: 'team-a' })).allowed, true);
  });

  it('is denied if it needs devices and names more claims than are looked up', async () => {
    const stage = stageReviews({ cached, dra: true, lookups: { claim: async () => ({ ...claim, spec: {} }) } });
    const withClaims = (count: number) => ({
      ...pod,
      spec: {
        ...pod.spec,
        resourceClaims: Array.from({ length: count }, (_, index) => ({
          name: `n${index}`,
          resourceClaimName: `c${index}`,
        })),
      },
    });
    const review = (count: number) => stage.review('mutate', 'Pod', { object: withClaims(count), namespace: 'team-a' });
    assert.equal(editsOf(await review(16)).length, 2);
    assert.deepEqual(codesOf(await review(17)), ['ClaimUnknown']);
  });
});

function lookupsWith(found: object | undefined) {
  return {
    claim: async () => found,
    policies: async () => [restricted],
    namespace: async (name: string) => namespaces.get(name),
  };
}
