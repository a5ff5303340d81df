// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deviceClassOf, specOfClass } from '../../../policy/device/dra-names.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import { type ExplicitConfig, readExplicit } from '../../../policy/plan/from-explicit.ts';
import { createListeners } from '../../../runtime/listeners.ts';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { named, nodeState, offersOf, reported } from '../../../test/fixtures/offers/build-offers.ts';
import { until } from '../../../test/process/until.ts';
import { emptySnapshot } from '../../source.ts';
import { classLabels, mostReported, resourcesWithClass } from './choose-classes.ts';
import { createDeviceClasses, type DeviceClassOptions } from './device-classes.ts';
import { leftOutClassEvents, takenEvents } from './persistent-conditions.ts';

const domain = 'macvtap.network.kubevirt.io';
const dataPolicy = named('p', { parentIface: 'eth0', resourceName: 'data' });
const globPolicy = named('g', { nicSelector: { names: ['ens*'] } });
const stateWith = (...names: readonly string[]) =>
  nodeState(
    names.map((name) => reported(name, name, { policy: 'macvtap-cni/g' })),
    names.map((name) => ({ name })),
  );

const manyNames = (count: number) => Array.from({ length: count }, (_, index) => `ens${index}`);
const classed = (offers: Offers, explicit?: ExplicitConfig, existing: readonly string[] = []) => {
  const { named, reported: ranked, leftOut } = resourcesWithClass(offers, explicit, (name) => existing.includes(name));
  return { resources: [...named, ...ranked], leftOut };
};

describe('the resources that get a DeviceClass', () => {
  it('are those that policies and the explicit configuration name, before any node offers them', () => {
    const policies = [dataPolicy, named('q', { parentIface: 'eth1' }, { parentIface: 'eth2', vlan: 100 })];
    const explicit = '[{"name":"old","lowerDevice":"eth9"}]';
    assert.deepEqual(classed(offersOf({ policies, explicit }), readExplicit(explicit)).resources, [
      'data',
      'eth1',
      'eth2.100',
      'old',
    ]);
  });

  it('include reported interfaces that match a glob in a policy', () => {
    const states = { h1: stateWith('ens1', 'ens2', 'eth5') };
    assert.deepEqual(classed(offersOf({ policies: [globPolicy], states })).resources, ['ens1', 'ens2']);
  });

  it('do not include a name that only a node reports, whatever source the node claims', () => {
    const evil = [
      reported('evil', 'eth0', { policy: 'macvtap-cni/p' }),
      reported('evil2', 'eth0', { source: 'explicit' }),
      reported('evil3', 'eth0', { source: 'implicit' }),
    ];
    const states = { h1: nodeState(evil, [{ name: 'eth0' }]) };
    assert.deepEqual(classed(offersOf({ policies: [dataPolicy], states })).resources, ['data']);
  });

  it('include at most a fixed number of reported interfaces: of equal ones, those that have a class, then by name', () => {
    const many = manyNames(900);
    const states = { evil: stateWith(...many), h1: stateWith('ensz', 'a b') };
    const offers = offersOf({ policies: [dataPolicy, globPolicy], states });
    const found = classed(offers, undefined, ['ensz', 'ens900', 'data']);
    assert.equal(found.resources.length, mostReported + 1);
    assert.ok(found.resources.includes('ensz') && found.resources.includes('data'));
    assert.ok(
      found.resources.includes(`ens${mostReported - 2}`) && !found.resources.includes(`ens${mostReported - 1}`),
    );
    assert.equal(found.leftOut.length, 901 - mostReported);
    // The same again, whatever a node reports in addition.
    const states2 = { ...states, evil: stateWith(...many.map((name) => `ens0.${name}`), ...many) };
    const again = classed(
      offersOf({ policies: [dataPolicy, globPolicy], states: states2 }),
      undefined,
      found.resources,
    );
    assert.deepEqual(again.resources.toSorted(), found.resources.toSorted());
  });

  it('are first the names that most nodes report, even if another node has taken all places', () => {
    const many = manyNames(mostReported);
    const states = { evil: stateWith(...many), h1: stateWith('ensz'), h2: stateWith('ensz') };
    const found = classed(offersOf({ policies: [globPolicy], states }), undefined, many);
    assert.equal(found.resources[0], 'ensz');
    assert.deepEqual(found.leftOut, [`ens${mostReported - 1}`]);
  });

  it('keep their class until at least twice as many nodes report another name', () => {
    const many = manyNames(mostReported);
    const common = Object.fromEntries(['h1', 'h2', 'h3'].map((node) => [node, stateWith(...many, 'ensz')]));
    const more = { h4: stateWith('ensz'), h5: stateWith('ensz'), h6: stateWith('ensz') };
    const leftOut = (states: typeof common, existing: readonly string[]) =>
      classed(offersOf({ policies: [globPolicy], states }), undefined, existing).leftOut;
    const { h6, ...few } = more;
    assert.deepEqual(leftOut({ ...common, ...few }, many), ['ensz']);
    assert.deepEqual(leftOut({ ...common, ...few, h6 }, many), [`ens${mostReported - 1}`]);
    // Afterwards, ensz has a class, and keeps it when fewer nodes report it.
    const after = [...many.slice(0, -1), 'ensz'];
    assert.deepEqual(leftOut(common, after), [`ens${mostReported - 1}`]);
  });

  it('do not include those of an invalid policy', () => {
    const policies = [named('bad', { parentIface: 'eth0', resourceName: 'a b' }), named('worse', {})];
    assert.deepEqual(classed(offersOf({ policies })).resources, []);
  });
});

/** Starts a keeper with a fake API server. */
async function start(
  offered: Offers,
  given: Pick<DeviceClassOptions, 'reportedCreations'> & { isSound?: boolean } = {},
) {
  await using scope = new AsyncDisposableStack();
  const server = scope.use(await startApiServer());
  const client = scope.use(connectStandIn(server));
  const changes = createListeners();
  const states: (string | undefined)[] = [];
  const written: string[] = [];
  const { isSound: isSoundAtFirst = true, ...limits } = given;
  let [isSound, checks] = [isSoundAtFirst, 0];
  const offers = {
    current: offered,
    get isSound() {
      checks += 1;
      return isSound;
    },
    onChange: changes.add,
  };
  const keeper = createDeviceClasses({
    client,
    source: { snapshot: emptySnapshot, synced: true, onChange: () => ({ [Symbol.dispose]() {} }) },
    offers,
    onWritten: ({ deviceClass, change }) => written.push(`${change} ${deviceClass.replace(`.${domain}`, '')}`),
    onState: (error) => states.push(error?.message),
    ...limits,
  });
  const owned = scope.move();
  const begin = () => {
    const ending = new AbortController();
    const running = keeper.run(ending.signal);
    owned.defer(async () => {
      ending.abort();
      await running;
    });
  };
  return {
    server,
    keeper,
    states,
    written,
    begin,
    offer: (next: Offers) => {
      offers.current = next;
      isSound = true;
      changes.notify();
    },
    /** How often the keeper was ready to write and checked the offers. */
    checks: () => checks,
    classes: () => [...server.store.objects.keys()].map((key) => key.replace(/^DeviceClass\//, '')).sort(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const foreign = (name: string, spec: object = {}, labels?: object) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name, ...(labels !== undefined && { labels }) },
  spec,
});
/** The up-to-date class of a resource. */
const existing = (resource: string) => {
  const made = deviceClassOf(resource);
  return foreign(made.name, specOfClass(made), classLabels);
};
const noOffers = offersOf({});
const dataOffers = offersOf({ policies: [dataPolicy] });

describe('the keeper of DeviceClasses', { concurrency: 4 }, () => {
  it('creates a class that maps the extended resource, and deletes it when no policy offers the resource', async () => {
    await using stage = await start(dataOffers);
    stage.begin();
    const made = await until(
      async () => stage.server.store.get(`DeviceClass/data.${domain}`),
      (found) => found !== undefined,
    );
    assert.deepEqual(made?.metadata.labels, classLabels);
    assert.deepEqual(made?.spec, {
      selectors: [
        {
          cel: { expression: `device.driver == "${domain}" && device.attributes["${domain}"].resourceName == "data"` },
        },
      ],
      extendedResourceName: `${domain}/data`,
    });
    stage.offer(noOffers);
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    assert.deepEqual([stage.written, stage.classes()], [['created data', 'deleted data'], []]);
  });

  it('writes nothing while the offers are not known, or could not be computed', async () => {
    await using stage = await start(noOffers, { isSound: false });
    stage.server.store.put(foreign(`data.${domain}`, {}, classLabels));
    stage.server.store.put(foreign(`old.${domain}`, {}, classLabels));
    stage.begin();
    await until(
      async () => stage.checks() + stage.written.length,
      (count) => count > 0,
    );
    assert.deepEqual(stage.written, []);
    stage.offer(dataOffers);
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    assert.deepEqual(stage.written, ['deleted old', 'updated data']);
  });

  it('limits the writes that reports cause, but not those that policies cause', async () => {
    const policies = [globPolicy, dataPolicy];
    const offering = (...names: readonly string[]) => offersOf({ policies, states: { evil: stateWith(...names) } });
    await using stage = await start(offering('ens1', 'ens2', 'ens3'), {
      reportedCreations: { burst: 2, perSecond: 1 / 3_600 },
    });
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 3,
    );
    stage.offer(
      offersOf({ policies: [...policies, named('q', { parentIface: 'eth1' })], states: { evil: stateWith('ens9') } }),
    );
    await until(
      async () => stage.written,
      (written) => written.length === 6,
    );
    // Deletions need no token, and come before creations.
    assert.deepEqual(stage.written.slice(3), ['deleted ens1', 'deleted ens2', 'created eth1']);
    assert.deepEqual(stage.written.slice(0, 3), ['created data', 'created ens1', 'created ens2']);
    stage.offer(dataOffers);
    await until(
      async () => stage.written,
      (written) => written.length === 7,
    );
    assert.deepEqual(stage.classes(), [`data.${domain}`]);
  });

  it('creates the classes of names that most nodes report first', async () => {
    const states = { evil: stateWith('ens1', 'ens2', 'ensz'), h1: stateWith('ensz') };
    await using stage = await start(offersOf({ policies: [globPolicy, dataPolicy], states }), {
      reportedCreations: { burst: 1, perSecond: 1 / 3_600 },
    });
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    assert.deepEqual(stage.written, ['created data', 'created ensz']);
  });

  it('replaces the class of a name that one node reports, but only if it may create the other class', async () => {
    const many = manyNames(mostReported);
    const states = { evil: stateWith(...many), h1: stateWith('ensy', 'ensz'), h2: stateWith('ensy', 'ensz') };
    await using stage = await start(offersOf({ policies: [globPolicy], states }), {
      reportedCreations: { burst: 1, perSecond: 1 / 3_600 },
    });
    for (const name of many) stage.server.store.put(existing(name));
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    const policies = [globPolicy, dataPolicy];
    stage.offer(offersOf({ policies, states }));
    await until(
      async () => stage.written,
      (written) => written.length === 3,
    );
    assert.deepEqual(stage.written, [`deleted ens${mostReported - 1}`, 'created ensy', 'created data']);
  });

  it('deletes the classes of reported names that exceed the limit', async () => {
    const many = manyNames(mostReported + 2);
    await using stage = await start(offersOf({ policies: [globPolicy], states: { evil: stateWith(...many) } }));
    for (const name of many) stage.server.store.put(existing(name));
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    assert.deepEqual(stage.written, [`deleted ens${mostReported + 1}`, `deleted ens${mostReported}`]);
  });

  it('creates no class for a report while too many exist, because one cannot be deleted', async () => {
    const [gone = '', ...kept] = manyNames(mostReported);
    await using stage = await start(offersOf({ policies: [globPolicy], states: { h1: stateWith(...kept, 'ensz') } }));
    for (const name of [gone, ...kept]) stage.server.store.put(existing(name));
    stage.server.intercept(({ method }) =>
      method === 'DELETE' ? { status: 403, body: { message: 'not allowed' } } : undefined,
    );
    stage.begin();
    await until(
      async () => stage.states,
      (states) => states.length > 0,
    );
    assert.match(stage.states[0] ?? '', /deleted DeviceClass ens0/);
    assert.deepEqual(stage.written, []);
    stage.server.intercept(undefined);
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    assert.deepEqual(stage.written, ['deleted ens0', 'created ensz']);
  });

  it('counts only successful writes for the limit', async () => {
    const offers = offersOf({ policies: [globPolicy], states: { h1: stateWith('ens1', 'ens2', 'ens3') } });
    await using stage = await start(offers, { reportedCreations: { burst: 3, perSecond: 1 / 3_600 } });
    const answers = [
      { status: 403, body: { message: 'not allowed' } },
      { status: 409, body: { message: 'already exists' } },
    ];
    stage.server.intercept(({ method }) => (method === 'POST' ? answers.shift() : undefined));
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 3,
    );
    assert.deepEqual(stage.written, ['created ens3', 'created ens1', 'created ens2']);
  });

  it('reports the policy whose globs match too many interfaces', async () => {
    const many = manyNames(mostReported + 5);
    const offers = offersOf({ policies: [globPolicy], states: { evil: stateWith(...many) } });
    await using stage = await start(offers, { reportedCreations: { burst: 1, perSecond: 1 } });
    stage.begin();
    await until(
      async () => stage.keeper.blocked.leftOut,
      (leftOut) => leftOut.length > 0,
    );
    const [{ event } = { event: undefined }] = leftOutClassEvents(stage.keeper.blocked.leftOut);
    assert.deepEqual(event?.regarding.name, 'g');
    assert.match(event?.note ?? '', /so 5 of them have no DeviceClass \(ens256, ens257, ens258, …\)/);
  });

  it('restores a class that an administrator edited or deleted, and writes nothing when all is well', async () => {
    await using stage = await start(dataOffers);
    const name = `data.${domain}`;
    stage.server.store.put(foreign(name, { selectors: [], config: [{ opaque: {} }] }, classLabels));
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 1,
    );
    assert.equal(JSON.stringify(stage.server.store.get(`DeviceClass/${name}`)?.spec).includes('opaque":{'), false);
    stage.server.store.remove(`DeviceClass/${name}`);
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    stage.offer(offersOf({ policies: [dataPolicy, named('q', { parentIface: 'eth1' })] }));
    await until(
      async () => stage.written,
      (written) => written.length === 3,
    );
    assert.deepEqual(stage.written, ['updated data', 'created data', 'created eth1']);
  });

  it('does not adopt or delete a class of another owner, and reports that it has the name', async () => {
    await using stage = await start(dataOffers);
    const before = stage.server.store.put(foreign(`data.${domain}`));
    stage.server.store.put(foreign(`other.${domain}`, {}, { 'app.kubernetes.io/managed-by': 'Helm' }));
    stage.begin();
    await until(
      async () => stage.keeper.blocked.taken,
      (taken) => taken.length > 0,
    );
    assert.deepEqual(stage.keeper.blocked.taken, [
      { deviceClass: `data.${domain}`, uid: before.metadata.uid, resource: 'data', by: 'name' },
    ]);
    assert.deepEqual(stage.written, []);
    assert.deepEqual(stage.classes(), [`data.${domain}`, `other.${domain}`]);
    const [{ event } = { event: undefined }] = takenEvents(stage.keeper.blocked.taken);
    assert.equal(event?.reason, 'DeviceClassTaken');
    assert.match(event?.note ?? '', /resource data needs a DeviceClass of this name/);
    stage.server.store.remove(`DeviceClass/data.${domain}`);
    await until(
      async () => stage.written,
      (written) => written.length > 0,
    );
    assert.deepEqual(stage.keeper.blocked.taken, []);
  });

  it('reports a class of another owner that maps the same extended resource', async () => {
    await using stage = await start(dataOffers);
    stage.server.store.put(foreign('rival', { extendedResourceName: `${domain}/data` }));
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length > 0,
    );
    assert.deepEqual(
      stage.keeper.blocked.taken.map(({ deviceClass, by }) => [deviceClass, by]),
      [['rival', 'extendedResourceName']],
    );
    assert.match(takenEvents(stage.keeper.blocked.taken)[0]?.event.note ?? '', /remove its spec.extendedResourceName/);
  });

  it('reports an API server without DeviceClasses, and writes nothing', async () => {
    await using stage = await start(dataOffers);
    stage.server.intercept(() => ({ status: 404, body: { message: 'not found' } }));
    stage.begin();
    await until(
      async () => stage.states,
      (states) => states.length > 0,
    );
    assert.match(stage.states[0] ?? '', /list of DeviceClasses; the resource is not installed/);
    assert.deepEqual(stage.written, []);
  });

  it('reports an API server that drops extendedResourceName, and does not write the class again and again', async () => {
    await using stage = await start(dataOffers);
    stage.server.intercept(({ method, kind }) => {
      if (method !== 'POST' || kind !== 'DeviceClass') return undefined;
      const made = foreign(`data.${domain}`, { selectors: specOfData }, classLabels);
      return { status: 201, body: stage.server.store.put(made) };
    });
    stage.begin();
    await until(
      async () => stage.states,
      (states) => states.length > 0,
    );
    assert.match(stage.states[0] ?? '', /dropped spec.extendedResourceName.*1\.36/);
    stage.server.intercept(undefined);
    stage.offer(offersOf({ policies: [dataPolicy, named('q', { parentIface: 'eth1' })] }));
    await until(
      async () => stage.written,
      (written) => written.includes('created eth1'),
    );
    assert.deepEqual(stage.written, ['created data', 'created eth1']);
  });

  it('continues with other classes after an error, and tries the failed one again', async () => {
    await using stage = await start(offersOf({ policies: [dataPolicy, named('q', { parentIface: 'eth1' })] }));
    let refusals = 0;
    stage.server.intercept(({ method, kind }) => {
      if (method !== 'POST' || kind !== 'DeviceClass' || refusals > 0) return undefined;
      refusals += 1;
      return { status: 403, body: { message: 'not allowed' } };
    });
    stage.begin();
    await until(
      async () => stage.written,
      (written) => written.length === 2,
    );
    assert.deepEqual(stage.written, ['created eth1', 'created data']);
    await until(
      async () => stage.states,
      (states) => states.length === 2,
    );
    assert.match(stage.states[0] ?? '', /created DeviceClass data.*403: not allowed/);
    assert.equal(stage.states[1], undefined);
  });
});

const specOfData = [
  { cel: { expression: `device.driver == "${domain}" && device.attributes["${domain}"].resourceName == "data"` } },
];
