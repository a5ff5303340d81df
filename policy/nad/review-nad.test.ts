// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOffers, contextIn, offer } from '../../test/fixtures/nad/offers.ts';
import type { Verdict } from '../reasons.ts';
import { reviewNad } from './review-nad.ts';
import type { NadContext, NadObject } from './rule.ts';

const resourceKey = 'k8s.v1.cni.cncf.io/resourceName';

function nad(config: unknown, resource = 'dataplane', metadata: object = {}): NadObject {
  const annotations = { [resourceKey]: `macvtap.network.kubevirt.io/${resource}` };
  return { metadata: { name: 'net', namespace: 'default', annotations, ...metadata }, spec: { config } };
}

function told(object: NadObject, given: Partial<NadContext> = {}): readonly string[] {
  return reviewNad(object, contextIn('default', given)).map(({ severity, code }) => `${severity} ${code}`);
}

describe('a resource that nobody offers', () => {
  const detail = (object: NadObject, given: Partial<NadContext> = {}) =>
    reviewNad(object, contextIn('default', given)).map((verdict: Verdict) => verdict.detail);

  it('is denied, told or let through, as the installation says', () => {
    const object = nad('{"type":"macvtap"}', 'datapalne');
    assert.deepEqual(told(object, { unknownResource: 'Deny' }), ['deny ResourceUnknown']);
    assert.deepEqual(told(object, { unknownResource: 'Warn' }), ['warn ResourceUnknown']);
    assert.deepEqual(told(object, { unknownResource: 'Allow' }), []);
  });

  it('is answered with the nearest names, else with those to choose from', () => {
    assert.deepEqual(detail(nad('{"type":"macvtap"}', 'datapalne')), [
      'macvtap.network.kubevirt.io/datapalne: did you mean dataplane?',
    ]);
    assert.deepEqual(detail(nad('{"type":"macvtap"}', 'storage')), [
      'macvtap.network.kubevirt.io/storage: offered are dataplane, mixed, quickDataplane: write for example macvtap.network.kubevirt.io/dataplane',
    ]);
  });

  it('is answered with what nodes expose where no policy offers anything, and with what to do where nobody does', () => {
    const implicit = Array.from({ length: 20 }, (_, index) =>
      offer({ resource: `eth${index + 10}`, source: 'implicit' }),
    );
    const [some] = detail(nad('{"type":"macvtap"}', 'storage'), { offers: buildOffers(implicit) });
    assert.match(
      some ?? '',
      /: offered are eth10, eth11, eth12, eth13, eth14, eth15, eth16, eth17, …: write for example macvtap/,
    );
    const [none] = detail(nad('{"type":"macvtap"}', 'storage'), { offers: buildOffers([]) });
    assert.match(none ?? '', /nothing is offered yet; a MacvtapNetworkNodePolicy offers resources$/);
  });

  it('of another prefix is answered with the right one', () => {
    const annotations = { [resourceKey]: 'intel.com/dataplane' };
    assert.deepEqual(detail(nad('{"type":"macvtap"}', '', { annotations })), [
      '"intel.com/dataplane": did you mean macvtap.network.kubevirt.io/dataplane?',
    ]);
    assert.match(
      detail(nad('{"type":"macvtap"}', '', { annotations: { [resourceKey]: 'a/b' } }))[0] ?? '',
      /offered are/,
    );
  });
});

describe('what a rule names', () => {
  const detail = (config: string, given: Partial<NadContext> = {}) =>
    reviewNad(nad(config), contextIn('default', given)).map((verdict: Verdict) => verdict.detail);

  it('is who offers which mode', () => {
    assert.deepEqual(detail('{"type":"macvtap","mode":"vepa"}'), [
      'mode vepa: policy macvtap-cni/bonded offers dataplane in mode private: write that, or leave mode out',
    ]);
    const implicit = [
      { resource: 'dataplane', source: 'implicit', mode: 'bridge', parents: [], quantity: 1, nodes: 1 } as const,
    ];
    assert.deepEqual(
      detail('{"type":"macvtap","mode":"vepa","modeFrom":"policy"}', { offers: buildOffers(implicit) }),
      ['mode vepa: source implicit offers dataplane in mode bridge, and pods get that, as modeFrom says'],
    );
  });

  it('is some of many parents', () => {
    const offers = buildOffers([offer({ resource: 'dataplane', parents: ['a', 'b', 'c', 'd', 'e'] })]);
    assert.deepEqual(detail('{"type":"macvtap","master":"z"}', { offers }), [
      'master "z": dataplane stands on a, b, c, d, …',
    ]);
  });

  it('is how many unknown keys there are, of a text that is not repeated whole', () => {
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`${'k'.repeat(99)}${index}`, 1]));
    const details = detail(JSON.stringify({ type: 'macvtap', ...keys }));
    assert.equal(details.length, 8);
    assert.equal(details[0], `"${'k'.repeat(40)}…"; 5000 such keys in all`);
  });

  it('is the first of many plugins that cannot be run', () => {
    assert.equal(detail(JSON.stringify({ plugins: [{ type: 'macvtap' }, ...Array(5_000).fill(null)] })).length, 8);
  });
});

describe('a network of another vendor', () => {
  it('is never told of, whatever is wrong with it', () => {
    const annotations = { [resourceKey]: 'intel.com/sriov' };
    for (const config of [
      undefined,
      null,
      '',
      '{',
      5,
      [],
      {},
      '[]',
      '{"type":"bridge",}',
      '{"plugins":5}',
      '{"a":"\\u00"}',
    ]) {
      assert.deepEqual(told(nad(config, '', { annotations })), []);
      assert.deepEqual(told(nad(config, '', { annotations: undefined })), []);
    }
  });

  it('is ours where its type is written with escapes, or as YAML instead of text', () => {
    assert.deepEqual(told(nad('{"type":"mac\\u0076tap","mtu":1}')), ['deny IllegalMtu']);
    assert.deepEqual(told(nad('{"type":"mac\\u0076tap","mtu":1}', '', { annotations: null })), [
      'deny ResourceMissing',
      'deny IllegalMtu',
    ]);
    assert.deepEqual(told(nad({ type: 'macvtap' }, '', { annotations: null })), ['deny ConfigNotJson']);
    assert.deepEqual(told(nad({ plugins: [{ type: 'macvtap' }] }, '', { annotations: null })), ['deny ConfigNotJson']);
    assert.deepEqual(told(nad({ plugins: 5 }, '', { annotations: null })), []);
  });
});

describe('an object that could be anything', () => {
  it('is nothing of ours', () => {
    for (const object of [
      null,
      undefined,
      5,
      'x',
      [],
      {},
      { metadata: null },
      { metadata: [] },
      { metadata: {}, spec: 5 },
    ]) {
      assert.deepEqual(told(object as unknown as NadObject), []);
    }
  });

  it('passes while it is being deleted', () => {
    assert.deepEqual(told(nad('{', 'none', { deletionTimestamp: '2026-01-01T00:00:00Z' })), []);
  });
});

describe('an update', () => {
  it('is warned of what it did not touch', () => {
    const before = nad('{"type":"macvtap","mtu":1,"mode":"any"}', 'none');
    const labelled = nad('{"type":"macvtap","mtu":1,"mode":"any"}', 'none', { labels: { a: 'b' } });
    assert.deepEqual(told(labelled, { before }), ['warn ResourceUnknown', 'warn UnknownMode', 'warn IllegalMtu']);
  });

  it('is warned of it also where a plugin was put before the one at fault, and denied a second one like it', () => {
    const list = (...plugins: readonly object[]) => nad(JSON.stringify({ cniVersion: '1.0.0', name: 'n', plugins }));
    const ours = { type: 'macvtap', mtu: 1 };
    const before = list(ours);
    assert.deepEqual(told(list({ type: 'tuning' }, ours), { before }), ['warn IllegalMtu']);
    assert.deepEqual(told(list(ours, ours), { before }), ['warn IllegalMtu', 'deny IllegalMtu']);
  });

  it('is denied what it brought, and what it changed from one fault to another', () => {
    const before = nad('{"type":"macvtap","mtu":1,"owner":-1}', 'none');
    const after = nad('{"type":"macvtap","mtu":2,"owner":-1,"promiscMode":1}', 'other');
    assert.deepEqual(told(after, { before }), [
      'deny ResourceUnknown',
      'deny IllegalMtu',
      'warn IllegalOwner',
      'deny IllegalPromiscMode',
    ]);
  });

  it('is denied the annotation that it took away, and the mode that the new resource does not have', () => {
    assert.deepEqual(told(nad('{"type":"macvtap"}', '', { annotations: {} }), { before: nad('{"type":"macvtap"}') }), [
      'deny ResourceMissing',
    ]);
    const config = '{"type":"macvtap","mode":"bridge"}';
    assert.deepEqual(told(nad(config, 'quickDataplane'), { before: nad(config) }), ['deny ModeNotOffered']);
  });

  it('may leave a broken config as broken, and is denied another break', () => {
    const before = nad('{"type":"macvtap",}');
    assert.deepEqual(told(nad('{"type":"macvtap",}', 'dataplane', { labels: {} }), { before }), ['warn ConfigNotJson']);
    assert.deepEqual(told(nad('{"type" "macvtap"}'), { before }), ['deny ConfigNotJson']);
  });

  it('is judged in full where the object was not ours before', () => {
    assert.deepEqual(told(nad('{"type":"macvtap","mtu":1}'), { before: nad('{"type":"bridge"}') }), [
      'deny IllegalMtu',
    ]);
    assert.deepEqual(told(nad('{"type":"macvtap","mtu":1}'), { before: null as unknown as NadObject }), [
      'deny IllegalMtu',
    ]);
  });

  it('keeps warnings warnings', () => {
    const object = nad('{"type":"macvtap","mtu":9000}');
    assert.deepEqual(told(object, { before: object }), ['warn MtuAboveParent']);
  });
});
