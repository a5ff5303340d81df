// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOffers, contextIn, namespaces, offer } from '../../test/fixtures/nad/offers.ts';
import { named, nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { Offer } from '../offers/offers.ts';
import { withPolicies } from '../offers/offers-index.ts';
import type { Verdict } from '../reasons.ts';
import type { NadContext, NadObject } from './read-nad.ts';
import { defaultNad, needsLookup, reviewNad } from './review-nad.ts';

const resourceKey = 'k8s.v1.cni.cncf.io/resourceName';

function nad(config: unknown, resource = 'dataplane', metadata: object = {}): NadObject {
  const annotations = { [resourceKey]: `macvtap.network.kubevirt.io/${resource}` };
  return { metadata: { name: 'net', namespace: 'default', annotations, ...metadata }, spec: { config } };
}

function told(object: NadObject, given: Partial<NadContext> = {}): readonly string[] {
  return reviewNad(object, contextIn('default', given)).map(({ severity, code }) => `${severity} ${code}`);
}

describe('a resource that no source offers', () => {
  const detail = (object: NadObject, given: Partial<NadContext> = {}) =>
    reviewNad(object, contextIn('default', given)).map((verdict: Verdict) => verdict.detail);

  it('is denied, causes a warning or is allowed, depending on unknownResource', () => {
    const object = nad('{"type":"macvtap"}', 'datapalne');
    assert.deepEqual(told(object, { unknownResource: 'Deny' }), ['deny ResourceUnknown']);
    assert.deepEqual(told(object, { unknownResource: 'Warn' }), ['warn ResourceUnknown']);
    assert.deepEqual(told(object, { unknownResource: 'Allow' }), []);
  });

  it('gets a verdict with the nearest names, or else with the offered names', () => {
    assert.deepEqual(detail(nad('{"type":"macvtap"}', 'datapalne')), [
      'macvtap.network.kubevirt.io/datapalne: did you mean dataplane?',
    ]);
    assert.deepEqual(detail(nad('{"type":"macvtap"}', 'storage')), [
      'macvtap.network.kubevirt.io/storage: offered are dataplane, mixed, quickDataplane: write for example macvtap.network.kubevirt.io/dataplane',
    ]);
  });

  it('gets a verdict that lists the offered resources, or contains the fix if there are none', () => {
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

  it('with another prefix gets a verdict with the correct prefix', () => {
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

describe('the detail of a verdict', () => {
  const detail = (config: string, given: Partial<NadContext> = {}) =>
    reviewNad(nad(config), contextIn('default', given)).map((verdict: Verdict) => verdict.detail);

  it('contains the policy or source that offers another mode', () => {
    assert.deepEqual(detail('{"type":"macvtap","mode":"vepa"}'), [
      'mode vepa: policy macvtap-cni/bonded offers dataplane in mode private: write that, or leave mode out',
    ]);
    const implicit = [
      { resource: 'dataplane', source: 'implicit', mode: 'bridge', parents: [], quantity: 1, nodes: 1 } as const,
    ];
    assert.deepEqual(
      detail('{"type":"macvtap","mode":"vepa","modeFrom":"policy"}', { offers: buildOffers(implicit) }),
      ['mode vepa: source implicit offers dataplane in mode bridge: pods get that mode because of modeFrom'],
    );
  });

  it('lists only some of many parents', () => {
    const offers = buildOffers([offer({ resource: 'dataplane', parents: ['a', 'b', 'c', 'd', 'e'] })]);
    assert.deepEqual(detail('{"type":"macvtap","master":"z"}', { offers }), [
      'master "z": dataplane uses a, b, c, d, …',
    ]);
  });

  it('contains the number of unknown keys and a shortened key', () => {
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`${'k'.repeat(99)}${index}`, 1]));
    const details = detail(JSON.stringify({ type: 'macvtap', ...keys }));
    assert.equal(details.length, 8);
    assert.equal(details[0], `"${'k'.repeat(40)}…"; 5000 such keys in all`);
  });

  it('is given only for the first eight invalid plugins', () => {
    assert.equal(detail(JSON.stringify({ plugins: [{ type: 'macvtap' }, ...Array(5_000).fill(null)] })).length, 8);
  });
});

describe('a network of another vendor', () => {
  it('gets no verdict, whatever its content is', () => {
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

  it('is treated as a macvtap network if its type contains escapes, or its config is YAML instead of text', () => {
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

describe('an object that is not a valid network', () => {
  it('gets no verdicts and no edits', () => {
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
  it('gets warnings about errors that it did not touch', () => {
    const before = nad('{"type":"macvtap","mtu":1,"mode":"any"}', 'none');
    const labelled = nad('{"type":"macvtap","mtu":1,"mode":"any"}', 'none', { labels: { a: 'b' } });
    assert.deepEqual(told(labelled, { before }), ['warn ResourceUnknown', 'warn UnknownMode', 'warn IllegalMtu']);
  });

  it('is warned about an error whose plugin moved, and denied if a second plugin has the same error', () => {
    const list = (...plugins: readonly object[]) => nad(JSON.stringify({ cniVersion: '1.0.0', name: 'n', plugins }));
    const ours = { type: 'macvtap', mtu: 1 };
    const before = list(ours);
    assert.deepEqual(told(list({ type: 'tuning' }, ours), { before }), ['warn IllegalMtu']);
    assert.deepEqual(told(list(ours, ours), { before }), ['warn IllegalMtu', 'deny IllegalMtu']);
  });

  it('is denied for an error that it adds or changes', () => {
    const before = nad('{"type":"macvtap","mtu":1,"owner":-1}', 'none');
    const after = nad('{"type":"macvtap","mtu":2,"owner":-1,"promiscMode":1}', 'other');
    assert.deepEqual(told(after, { before }), [
      'deny ResourceUnknown',
      'deny IllegalMtu',
      'warn IllegalOwner',
      'deny IllegalPromiscMode',
    ]);
  });

  it('is denied if it removes the annotation, or if the new resource does not have the mode', () => {
    assert.deepEqual(told(nad('{"type":"macvtap"}', '', { annotations: {} }), { before: nad('{"type":"macvtap"}') }), [
      'deny ResourceMissing',
    ]);
    const config = '{"type":"macvtap","mode":"bridge"}';
    assert.deepEqual(told(nad(config, 'quickDataplane'), { before: nad(config) }), ['deny ModeNotOffered']);
  });

  it('may leave an invalid config unchanged, but is denied if the config has another error', () => {
    const before = nad('{"type":"macvtap",}');
    assert.deepEqual(told(nad('{"type":"macvtap",}', 'dataplane', { labels: {} }), { before }), ['warn ConfigNotJson']);
    assert.deepEqual(told(nad('{"type" "macvtap"}'), { before }), ['deny ConfigNotJson']);
  });

  it('gets a warning for an ambiguous key that moved to another line, and is denied for a new one', () => {
    const before = nad('{"type":"bridge","TYPE":"macvtap"}', 'dataplane');
    assert.deepEqual(told(nad('{\n"type":"bridge",\n"TYPE":"macvtap"}', 'dataplane'), { before }), [
      'warn AmbiguousKey',
    ]);
    assert.deepEqual(told(nad('{"type":"bridge","Type":"macvtap"}', 'dataplane'), { before }), ['deny AmbiguousKey']);
  });

  it('is reviewed in full if the object was not a macvtap network before', () => {
    assert.deepEqual(told(nad('{"type":"macvtap","mtu":1}'), { before: nad('{"type":"bridge"}') }), [
      'deny IllegalMtu',
    ]);
    assert.deepEqual(told(nad('{"type":"macvtap","mtu":1}'), { before: null as unknown as NadObject }), [
      'deny IllegalMtu',
    ]);
  });

  it('does not change warnings', () => {
    const object = nad('{"type":"macvtap","mtu":9000}');
    assert.deepEqual(told(object, { before: object }), ['warn MtuAboveParent']);
  });
});

const annotationPath = '/metadata/annotations/k8s.v1.cni.cncf.io~1resourceName';
const prefixed = (resource: string) => `macvtap.network.kubevirt.io/${resource}`;

function incomplete(config: unknown, annotations?: Readonly<Record<string, string>> | null, name = 'net'): NadObject {
  return {
    metadata: { name, namespace: 'default', ...(annotations !== undefined && { annotations }) },
    spec: { config },
  };
}

/** Returns the new config and the resource in the new annotation. Values that were not changed are undefined. */
function defaulted(object: NadObject, context: NadContext = contextIn('default')) {
  const { edits, verdicts } = defaultNad(object, context);
  assert.deepEqual(verdicts, []);
  const config = edits.find(({ path }) => path === '/spec/config')?.value;
  const annotation = edits.find(({ path }) => path.startsWith('/metadata'))?.value;
  return { config, annotation };
}

function only(...offers: readonly Offer[]): NadContext {
  return contextIn('default', { offers: buildOffers(offers) });
}

describe('the defaults of a network', () => {
  it('are name, version and the mode of its resource', () => {
    assert.deepEqual(
      defaulted(incomplete('{ "type": "macvtap", "mtu": 1500 }', { [resourceKey]: prefixed('dataplane') })),
      {
        config:
          '{ "type": "macvtap", "mtu": 1500, "name": "net", "cniVersion": "1.0.0", "mode": "private", "modeFrom": "policy" }',
        annotation: undefined,
      },
    );
  });

  it('are not added to a config with ambiguous keys, in which a missing key may have another spelling', () => {
    const annotations = { [resourceKey]: prefixed('dataplane') };
    for (const config of ['{"type":"macvtap","MODE":"vepa"}', '{"type":"bridge","TYPE":"macvtap"}']) {
      assert.deepEqual(defaulted(incomplete(config, annotations)), { config: undefined, annotation: undefined });
    }
  });

  it('are added to the list and to its macvtap plugins', () => {
    const config = '{"plugins":[{"type":"tuning"},{"type":"macvtap"},{"type":"macvtap","mode":"vepa"}]}';
    assert.equal(
      defaulted(incomplete(config, { [resourceKey]: prefixed('dataplane') })).config,
      '{"plugins":[{"type":"tuning"},{"type":"macvtap","mode":"private","modeFrom":"policy"},{"type":"macvtap","mode":"vepa"}],"name":"net","cniVersion":"1.0.0"}',
    );
  });

  it('do not change existing values', () => {
    const config = '{"type":"macvtap","name":"","cniVersion":null,"mode":"bridge"}';
    const annotations = { [resourceKey]: prefixed('dataplane') };
    assert.deepEqual(defaultNad(incomplete(config, annotations), contextIn('default')).edits, []);
    const copied = '{"type":"macvtap","name":"","cniVersion":"","modeFrom":"policy"}';
    assert.equal(defaulted(incomplete(copied, annotations)).config, `${copied.slice(0, -1)},"mode":"private"}`);
  });

  it('contain no mode if offers differ or no source offers the resource', () => {
    for (const resource of ['mixed', 'none']) {
      const { config } = defaulted(incomplete('{"type":"macvtap"}', { [resourceKey]: prefixed(resource) }));
      assert.equal(config, '{"type":"macvtap","name":"net","cniVersion":"1.0.0"}');
    }
  });

  it('have the mode that nodes expose, even if an entry that no node exposes has another mode', () => {
    const network = incomplete('{"type":"macvtap"}', { [resourceKey]: prefixed('first') });
    const came = offer({ resource: 'first', mode: 'private', nodes: 2 });
    const never = offer({ resource: 'first', mode: 'vepa', nodes: 0 });
    assert.match(String(defaulted(network, only(never, came)).config), /"mode":"private"/);
    assert.doesNotMatch(String(defaulted(network, only(never, { ...came, nodes: 0 })).config), /mode/);
  });

  it('contain no name if the API server will reject the name of the object', () => {
    const { config } = defaulted(incomplete('{"type":"macvtap"}', { [resourceKey]: prefixed('none') }, ' '));
    assert.equal(config, '{"type":"macvtap","cniVersion":"1.0.0"}');
  });

  it('contain no name if the name is generated later', () => {
    const generated = {
      metadata: { generateName: 'net-', namespace: 'default' },
      spec: { config: '{"type":"macvtap"}' },
    };
    const { config } = defaulted(generated as unknown as NadObject);
    assert.equal(config, '{"type":"macvtap","cniVersion":"1.0.0"}');
  });

  it('fill only the annotation if the network disables defaults in its config', () => {
    const annotations = { 'macvtap.network.kubevirt.io/default-config': 'false' };
    assert.deepEqual(
      defaultNad(incomplete('{"type":"macvtap"}', annotations, 'dataplane'), contextIn('default')).edits,
      [{ op: 'add', path: annotationPath, value: prefixed('dataplane') }],
    );
  });

  it('add a map of annotations if there is none', () => {
    const map = { op: 'add', path: '/metadata/annotations', value: { [resourceKey]: prefixed('dataplane') } };
    for (const annotations of [undefined, null, 'none' as unknown as null]) {
      const { edits } = defaultNad(incomplete('{"type":"macvtap"}', annotations, 'dataplane'), contextIn('default'));
      assert.deepEqual(edits[0], map);
    }
  });

  it('do not change other networks, unreadable configs or networks that are being deleted', () => {
    const deleted = incomplete('{"type":"macvtap"}', {}, 'dataplane');
    for (const object of [
      incomplete('{"type":"bridge"}', {}, 'dataplane'),
      incomplete('{"type":"bridge"}', { [resourceKey]: prefixed('dataplane') }),
      incomplete('{"type":"macvtap",}', {}, 'dataplane'),
      incomplete('{}', { [resourceKey]: prefixed('dataplane') }),
      incomplete(undefined, { [resourceKey]: prefixed('dataplane') }),
      incomplete({ type: 'macvtap' }, {}, 'dataplane'),
      { ...deleted, metadata: { ...deleted.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    ]) {
      assert.deepEqual(defaultNad(object, contextIn('default')), { edits: [], verdicts: [] });
    }
  });
});

describe('the resource of a network without the annotation', () => {
  const eth1 = offer({ resource: 'quick', parents: ['eth1'] });
  const bond1 = offer({ resource: 'data', parents: ['bond1'] });
  const implicit: Offer = {
    resource: 'eth1',
    source: 'implicit',
    mode: 'bridge',
    parents: ['eth1'],
    quantity: 1,
    nodes: 1,
  };
  const red = policy('red', {
    parentSelector: [{ parentIface: 'a', resourceName: 'red' }],
    namespaceSelector: { matchLabels: { team: 'red' } },
  });
  const redQuick = policy('red', {
    parentSelector: [{ parentIface: 'a', resourceName: 'quick' }],
    namespaceSelector: { matchLabels: { team: 'red' } },
  });
  const quick = named('p', { parentIface: 'eth1', resourceName: 'quick' });
  const selecting = named('selecting', { nicSelector: { drivers: ['ixgbe'] } });
  const ofRed = offer({ resource: 'red', policy: 'red' });

  for (const [said, config, context, resource] of [
    [
      'is the offer with the name of the network',
      '{"type":"macvtap","master":"eth1"}',
      only(eth1, offer({ resource: 'net' })),
      'net',
    ],
    [
      'may be an implicit offer with the name of the network',
      '{"type":"macvtap"}',
      only({ ...implicit, resource: 'net' }, eth1),
      'net',
    ],
    ['is the offer on the parent in the config', '{"type":"macvtap","parent":"eth1"}', only(eth1, bond1), 'quick'],
    ['is the offer on the master in the config', '{"type":"macvtap","master":"eth1"}', only(eth1, bond1), 'quick'],
    [
      'is the offer on the lowerDevice in the config',
      '{"plugins":[{"type":"macvtap","lowerDevice":"bond1"}]}',
      only(eth1, bond1),
      'data',
    ],
    [
      'is the offer of a policy before that of another source',
      '{"type":"macvtap","parent":"eth1"}',
      only(implicit, eth1),
      'quick',
    ],
    ['may be an implicit offer on the parent', '{"type":"macvtap","parent":"eth1"}', only(implicit, bond1), 'eth1'],
    [
      'is chosen if the offers on the parent differ only in mode',
      '{"type":"macvtap","parent":"eth1"}',
      only(eth1, { ...eth1, mode: 'vepa' }),
      'quick',
    ],
    [
      'is not chosen if two resources are offered on the parent',
      '{"type":"macvtap","parent":"eth1"}',
      only(eth1, { ...bond1, parents: ['eth1'] }),
      undefined,
    ],
    ['is not chosen if it is on another parent', '{"type":"macvtap","parent":"eth7"}', only(eth1), undefined],
    ['is the only resource of policies', '{"type":"macvtap","parent":""}', only(eth1, implicit, eth1), 'quick'],
    ['is not the only implicit offer', '{"type":"macvtap"}', only(implicit), undefined],
    ['is not chosen from two resources of policies', '{"type":"macvtap"}', only(eth1, bond1), undefined],
    ['is undefined if nothing is offered', '{"type":"macvtap"}', only(), undefined],
    [
      'is the only resource whose policy admits the namespace',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([ofRed, eth1], [red, quick]) }),
      'quick',
    ],
    [
      'is not a resource whose policy does not admit the namespace',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([ofRed], [red]) }),
      undefined,
    ],
    [
      'is not chosen from two resources while the namespace is unknown',
      '{"type":"macvtap"}',
      contextIn('unknown', { offers: buildOffers([ofRed, eth1], [red, quick]) }),
      undefined,
    ],
    [
      'is chosen only if all of its policies admit the namespace',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([{ ...ofRed, resource: 'quick' }, eth1], [redQuick, quick]) }),
      undefined,
    ],
    [
      'is not a resource that only nodes report',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([offer({ resource: 'eth9', policy: 'selecting' })], [selecting]) }),
      undefined,
    ],
    [
      'is not chosen if another policy has resources whose names only nodes know',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([eth1], [quick, selecting]) }),
      undefined,
    ],
  ] as const) {
    it(said, () => {
      const { annotation } = defaulted(incomplete(config, {}), context);
      assert.equal(annotation, resource === undefined ? undefined : prefixed(resource));
      // A policy that is not in the cache yet may change the result. Only `net`, the network's own name, is certain.
      assert.equal(needsLookup(incomplete(config, {}), context), resource !== 'net');
    });
  }

  it('determines the mode in the same pass', () => {
    assert.match(String(defaulted(incomplete('{"type":"macvtap"}', {}, 'dataplane')).config), /"mode":"private"/);
  });

  it('is chosen if the annotation is empty, but not if it names a resource of another vendor', () => {
    assert.equal(
      defaulted(incomplete('{"type":"macvtap"}', { [resourceKey]: '' }), only(eth1)).annotation,
      prefixed('quick'),
    );
    assert.equal(
      defaulted(incomplete('{"type":"macvtap"}', { [resourceKey]: 'a.b/c' }), only(eth1)).annotation,
      undefined,
    );
  });

  it('is chosen in a namespace that the policy admits', () => {
    const context = contextIn('red', { offers: buildOffers([ofRed], [red]), namespaceLabels: namespaces.red });
    assert.equal(defaulted(incomplete('{"type":"macvtap"}', {}), context).annotation, prefixed('red'));
  });
});

describe('a live look-up', () => {
  const lookup = (object: NadObject) => needsLookup(object, contextIn('default'));

  it('is needed for a macvtap network whose resource no source offers', () => {
    assert.ok(lookup(incomplete('{"type":"macvtap"}', { [resourceKey]: prefixed('datapalne') })));
    assert.ok(lookup(incomplete(undefined, { [resourceKey]: prefixed('datapalne') })));
  });

  it('is needed before a choice that a newer policy may make ambiguous', () => {
    const alpha = named('alpha', { parentIface: 'eth0', resourceName: 'alpha' });
    const beta = named('beta', { parentIface: 'eth1', resourceName: 'beta' });
    const states = { h1: nodeState([reported('eth1', 'eth1', { source: 'implicit' })]) };
    const cached = contextIn('default', { offers: offersOf({ policies: [alpha], states }) });
    const live = contextIn('default', { offers: withPolicies(cached.offers, [alpha, beta]) });
    const ofItsName = incomplete('{"type":"macvtap"}', {}, 'beta');
    const unnamed = incomplete('{"type":"macvtap"}', {});
    const onParent = incomplete('{"type":"macvtap","master":"eth1"}', {});
    assert.deepEqual(
      [ofItsName, unnamed, onParent].map((object) => needsLookup(object, cached)),
      [true, true, true],
    );
    const taken = ({ offers }: NadContext) =>
      [ofItsName, unnamed, onParent].map((object) => defaulted(object, contextIn('default', { offers })).annotation);
    assert.deepEqual(taken(cached), [prefixed('alpha'), prefixed('alpha'), prefixed('eth1')]);
    assert.deepEqual(taken(live), [prefixed('beta'), undefined, prefixed('beta')]);
    assert.ok(!needsLookup(ofItsName, live));
  });

  it('is needed for a network whose name is generated later, since the name matches no resource yet', () => {
    const generated = {
      metadata: { generateName: 'net-', namespace: 'default' },
      spec: incomplete('{"type":"macvtap"}').spec,
    };
    assert.ok(lookup(generated as unknown as NadObject));
  });

  it('is not needed if it cannot change the answer', () => {
    const implicit = offersOf({ states: { h1: nodeState([reported('net', 'net', { source: 'implicit' })]) } });
    assert.ok(!needsLookup(incomplete('{"type":"macvtap"}', {}), contextIn('default', { offers: implicit })));
    assert.ok(needsLookup(incomplete('{"type":"macvtap"}', {}), contextIn('unknown', { offers: implicit })));

    for (const object of [
      incomplete('{"type":"macvtap"}', { [resourceKey]: prefixed('dataplane') }),
      incomplete('{"type":"macvtap"}', { [resourceKey]: 'intel.com/sriov' }),
      incomplete('{"type":"bridge"}', { [resourceKey]: prefixed('datapalne') }),
      incomplete('{"tpye":"macvtap"}', {}),
      incomplete('{"type":"bridge"}', {}),
    ]) {
      assert.ok(!lookup(object));
    }
  });
});
