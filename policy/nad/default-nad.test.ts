// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOffers, contextIn, namespaces, offer } from '../../test/fixtures/nad/offers.ts';
import { named, nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { Offer } from '../offers/offers.ts';
import { withPolicies } from '../offers/with-policies.ts';
import { defaultNad } from './default-nad.ts';
import { needsLookup } from './needs-lookup.ts';
import type { NadContext, NadObject } from './rule.ts';

const resourceKey = 'k8s.v1.cni.cncf.io/resourceName';
const annotationPath = '/metadata/annotations/k8s.v1.cni.cncf.io~1resourceName';
const prefixed = (resource: string) => `macvtap.network.kubevirt.io/${resource}`;

function nad(config: unknown, annotations?: Readonly<Record<string, string>> | null, name = 'net'): NadObject {
  return {
    metadata: { name, namespace: 'default', ...(annotations !== undefined && { annotations }) },
    spec: { config },
  };
}

/** The config that comes out, and the resource that the annotation then names; undefined where nothing was changed. */
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
    assert.deepEqual(defaulted(nad('{ "type": "macvtap", "mtu": 1500 }', { [resourceKey]: prefixed('dataplane') })), {
      config:
        '{ "type": "macvtap", "mtu": 1500, "name": "net", "cniVersion": "1.0.0", "mode": "private", "modeFrom": "policy" }',
      annotation: undefined,
    });
  });

  it('go to the list and to the macvtap plugins in it', () => {
    const config = '{"plugins":[{"type":"tuning"},{"type":"macvtap"},{"type":"macvtap","mode":"vepa"}]}';
    assert.equal(
      defaulted(nad(config, { [resourceKey]: prefixed('dataplane') })).config,
      '{"plugins":[{"type":"tuning"},{"type":"macvtap","mode":"private","modeFrom":"policy"},{"type":"macvtap","mode":"vepa"}],"name":"net","cniVersion":"1.0.0"}',
    );
  });

  it('touch nothing that is there', () => {
    const config = '{"type":"macvtap","name":"","cniVersion":null,"mode":"bridge"}';
    const annotations = { [resourceKey]: prefixed('dataplane') };
    assert.deepEqual(defaultNad(nad(config, annotations), contextIn('default')).edits, []);
    const copied = '{"type":"macvtap","name":"","cniVersion":"","modeFrom":"policy"}';
    assert.equal(defaulted(nad(copied, annotations)).config, `${copied.slice(0, -1)},"mode":"private"}`);
  });

  it('have no mode where offers differ or nobody offers the resource', () => {
    for (const resource of ['mixed', 'none']) {
      const { config } = defaulted(nad('{"type":"macvtap"}', { [resourceKey]: prefixed(resource) }));
      assert.equal(config, '{"type":"macvtap","name":"net","cniVersion":"1.0.0"}');
    }
  });

  it('have the mode that nodes expose, where an entry that came true nowhere has another', () => {
    const network = nad('{"type":"macvtap"}', { [resourceKey]: prefixed('first') });
    const came = offer({ resource: 'first', mode: 'private', nodes: 2 });
    const never = offer({ resource: 'first', mode: 'vepa', nodes: 0 });
    assert.match(String(defaulted(network, only(never, came)).config), /"mode":"private"/);
    assert.doesNotMatch(String(defaulted(network, only(never, { ...came, nodes: 0 })).config), /mode/);
  });

  it('have no name where the object has one that the API server will refuse', () => {
    const { config } = defaulted(nad('{"type":"macvtap"}', { [resourceKey]: prefixed('none') }, ' '));
    assert.equal(config, '{"type":"macvtap","cniVersion":"1.0.0"}');
  });

  it('have no name where the name is generated later', () => {
    const generated = {
      metadata: { generateName: 'net-', namespace: 'default' },
      spec: { config: '{"type":"macvtap"}' },
    };
    const { config } = defaulted(generated as unknown as NadObject);
    assert.equal(config, '{"type":"macvtap","cniVersion":"1.0.0"}');
  });

  it('keep out of the config of a network that says so, and fill its annotation', () => {
    const annotations = { 'macvtap.network.kubevirt.io/default-config': 'false' };
    assert.deepEqual(defaultNad(nad('{"type":"macvtap"}', annotations, 'dataplane'), contextIn('default')).edits, [
      { op: 'add', path: annotationPath, value: prefixed('dataplane') },
    ]);
  });

  it('bring a map of annotations where there is none', () => {
    const map = { op: 'add', path: '/metadata/annotations', value: { [resourceKey]: prefixed('dataplane') } };
    for (const annotations of [undefined, null, 'none' as unknown as null]) {
      const { edits } = defaultNad(nad('{"type":"macvtap"}', annotations, 'dataplane'), contextIn('default'));
      assert.deepEqual(edits[0], map);
    }
  });

  it('leave alone what is not ours, does not read or is being deleted', () => {
    const deleted = nad('{"type":"macvtap"}', {}, 'dataplane');
    for (const object of [
      nad('{"type":"bridge"}', {}, 'dataplane'),
      nad('{"type":"bridge"}', { [resourceKey]: prefixed('dataplane') }),
      nad('{"type":"macvtap",}', {}, 'dataplane'),
      nad('{}', { [resourceKey]: prefixed('dataplane') }),
      nad(undefined, { [resourceKey]: prefixed('dataplane') }),
      nad({ type: 'macvtap' }, {}, 'dataplane'),
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
    parentSelector: [{ parentIface: 'a' }],
    namespaceSelector: { matchLabels: { team: 'red' } },
  });
  const ofRed = offer({ resource: 'red', policy: 'red' });

  for (const [said, config, context, resource] of [
    ['is the offer named like it', '{"type":"macvtap","master":"eth1"}', only(eth1, offer({ resource: 'net' })), 'net'],
    ['may be an implicit one by that name', '{"type":"macvtap"}', only({ ...implicit, resource: 'net' }, eth1), 'net'],
    ['is the offer on its parent', '{"type":"macvtap","parent":"eth1"}', only(eth1, bond1), 'quick'],
    ['is the offer on its master', '{"type":"macvtap","master":"eth1"}', only(eth1, bond1), 'quick'],
    [
      'is the offer on its lowerDevice',
      '{"plugins":[{"type":"macvtap","lowerDevice":"bond1"}]}',
      only(eth1, bond1),
      'data',
    ],
    [
      'is rather of a policy than of another source',
      '{"type":"macvtap","parent":"eth1"}',
      only(implicit, eth1),
      'quick',
    ],
    ['may be an implicit one on its parent', '{"type":"macvtap","parent":"eth1"}', only(implicit, bond1), 'eth1'],
    [
      'is one offer of several modes',
      '{"type":"macvtap","parent":"eth1"}',
      only(eth1, { ...eth1, mode: 'vepa' }),
      'quick',
    ],
    [
      'is not guessed between two on its parent',
      '{"type":"macvtap","parent":"eth1"}',
      only(eth1, { ...bond1, parents: ['eth1'] }),
      undefined,
    ],
    ['is never on another parent', '{"type":"macvtap","parent":"eth7"}', only(eth1), undefined],
    ['is the only one of policies', '{"type":"macvtap","parent":""}', only(eth1, implicit, eth1), 'quick'],
    ['is not the only implicit one', '{"type":"macvtap"}', only(implicit), undefined],
    ['is not guessed between two', '{"type":"macvtap"}', only(eth1, bond1), undefined],
    ['is nothing where nothing is offered', '{"type":"macvtap"}', only(), undefined],
    [
      'is the only one that admits the namespace',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([ofRed, eth1], [red]) }),
      'quick',
    ],
    [
      'is not one that does not admit it',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([ofRed], [red]) }),
      undefined,
    ],
    [
      'is not guessed while the namespace is not known',
      '{"type":"macvtap"}',
      contextIn('unknown', { offers: buildOffers([ofRed, eth1], [red]) }),
      undefined,
    ],
    [
      'needs every policy that offers it to admit it',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([{ ...ofRed, resource: 'quick' }, eth1], [red]) }),
      undefined,
    ],
    [
      'may be of a policy that is gone by now',
      '{"type":"macvtap"}',
      contextIn('default', { offers: buildOffers([ofRed]) }),
      'red',
    ],
  ] as const) {
    it(said, () => {
      const { annotation } = defaulted(nad(config, {}), context);
      assert.equal(annotation, resource === undefined ? undefined : prefixed(resource));
      // Whatever else is found may be found otherwise by a policy that the cache has not seen.
      assert.equal(needsLookup(nad(config, {}), context), resource !== 'net');
    });
  }

  it('decides the mode at once', () => {
    assert.match(String(defaulted(nad('{"type":"macvtap"}', {}, 'dataplane')).config), /"mode":"private"/);
  });

  it('is sought where the annotation is empty, and not where it is a foreign one', () => {
    assert.equal(defaulted(nad('{"type":"macvtap"}', { [resourceKey]: '' }), only(eth1)).annotation, prefixed('quick'));
    assert.equal(defaulted(nad('{"type":"macvtap"}', { [resourceKey]: 'a.b/c' }), only(eth1)).annotation, undefined);
  });

  it('is admitted in a namespace of the policy', () => {
    const context = contextIn('red', { offers: buildOffers([ofRed], [red]), namespaceLabels: namespaces.red });
    assert.equal(defaulted(nad('{"type":"macvtap"}', {}), context).annotation, prefixed('red'));
  });
});

describe('a live look-up', () => {
  const lookup = (object: NadObject) => needsLookup(object, contextIn('default'));

  it('comes before a network of ours whose resource nobody offers', () => {
    assert.ok(lookup(nad('{"type":"macvtap"}', { [resourceKey]: prefixed('datapalne') })));
    assert.ok(lookup(nad(undefined, { [resourceKey]: prefixed('datapalne') })));
  });

  it('comes before a resource is taken that a newer policy may speak against', () => {
    const alpha = named('alpha', { parentIface: 'eth0', resourceName: 'alpha' });
    const beta = named('beta', { parentIface: 'eth1', resourceName: 'beta' });
    const states = { h1: nodeState([reported('eth1', 'eth1', { source: 'implicit' })]) };
    const cached = contextIn('default', { offers: offersOf({ policies: [alpha], states }) });
    const live = contextIn('default', { offers: withPolicies(cached.offers, [alpha, beta]) });
    const ofItsName = nad('{"type":"macvtap"}', {}, 'beta');
    const unnamed = nad('{"type":"macvtap"}', {});
    const onParent = nad('{"type":"macvtap","master":"eth1"}', {});
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

  it('comes for a network whose name is generated later, and so matches none', () => {
    const generated = {
      metadata: { generateName: 'net-', namespace: 'default' },
      spec: nad('{"type":"macvtap"}').spec,
    };
    assert.ok(lookup(generated as unknown as NadObject));
  });

  it('does not come where it would tell nothing new', () => {
    const implicit = offersOf({ states: { h1: nodeState([reported('net', 'net', { source: 'implicit' })]) } });
    assert.ok(!needsLookup(nad('{"type":"macvtap"}', {}), contextIn('default', { offers: implicit })));
    assert.ok(needsLookup(nad('{"type":"macvtap"}', {}), contextIn('unknown', { offers: implicit })));

    for (const object of [
      nad('{"type":"macvtap"}', { [resourceKey]: prefixed('dataplane') }),
      nad('{"type":"macvtap"}', { [resourceKey]: 'intel.com/sriov' }),
      nad('{"type":"bridge"}', { [resourceKey]: prefixed('datapalne') }),
      nad('{"tpye":"macvtap"}', {}),
      nad('{"type":"bridge"}', {}),
    ]) {
      assert.ok(!lookup(object));
    }
  });
});
