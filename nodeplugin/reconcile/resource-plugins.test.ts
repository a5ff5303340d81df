// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { DevicePluginHandlers } from '../deviceplugin/server.ts';
import { createReconciler, ResourcePlugins } from './resource-plugins.ts';
import { type HeldDevice, listDevices, type ServedResource } from './served-resource.ts';

function served(name: string, quantity = 1, more: Partial<ServedResource> = {}): ServedResource {
  const wish = { name, parent: 'eth1', mode: 'bridge', quantity, numaNodes: [1], needVhostNet: false } as const;
  return { name, resource: { source: 'policy', policy: 'ns/p', entry: 0, ...wish }, ...more };
}

const decision = (...resources: readonly ServedResource[]) => new Map(resources.map((one) => [one.name, one] as const));

const list = (one: ServedResource) => listDevices(one, [], { find: () => 1, nameOf: () => 'eth1' });

const uncalled = () => assert.fail('no test calls this method');

const handlersWithoutKubelet = {
  options: { pre_start_required: false, get_preferred_allocation_available: false },
  allocate: uncalled,
  preferredAllocation: uncalled,
  preStartContainer: uncalled,
} as const;

/** Creates resources whose plugins only record their starts and stops. A stop lasts until the test ends it. */
function serve() {
  const events: string[] = [];
  const handlers = new Map<string, DevicePluginHandlers>();
  const states = new Map<string, () => ServedResource>();
  const stops: (() => void)[] = [];
  const resources = new ResourcePlugins({
    createHandlers: (name, list, state) => {
      states.set(name, state);
      return { ...handlersWithoutKubelet, list };
    },
    startPlugin: (name, its) => {
      events.push(`start ${name}`);
      handlers.set(name, its);
      return {
        resourceName: name,
        state: { phase: 'starting' },
        setDevices: uncalled,
        [Symbol.asyncDispose]: uncalled,
        stop: async (hasMoved) => {
          events.push(`stop ${name}${hasMoved ? ', which has moved to DRA' : ''}`);
          const stopped = Promise.withResolvers<void>();
          stops.push(stopped.resolve);
          await stopped.promise;
          events.push(`stopped ${name}`);
        },
      };
    },
  });
  return {
    resources,
    /**
     * Waits until earlier calls of `resources` have taken effect. Returns the events since the last call of `events`.
     */
    events: async () => {
      await turn();
      return events.splice(0);
    },
    devices: (name: string) => handlers.get(name)?.list.current,
    state: (name: string) => states.get(name)?.(),
    letStop: () => {
      const resolve = stops.shift() ?? assert.fail('nothing is being stopped');
      resolve();
    },
  };
}

describe('the served resources of a node', () => {
  it('are started with their devices', async () => {
    const { resources, events, devices } = serve();
    resources.apply(decision(served('a', 2), served('b')), list);
    assert.deepEqual(await events(), ['start a', 'start b']);
    assert.deepEqual(devices('a'), [
      { id: 'aMvp0', healthy: true, numaNodes: [1] },
      { id: 'aMvp1', healthy: true, numaNodes: [1] },
    ]);
    assert.deepEqual([...resources.current.keys()], ['a', 'b']);
  });

  it('are changed in place: the same server lists the new devices', async () => {
    const { resources, events, devices, state } = serve();
    resources.apply(decision(served('a', 2)), list);
    await events();
    const faulty = served('a', 1, { fault: 'NothingFound' });
    resources.apply(decision(faulty), list);
    assert.deepEqual(await events(), []);
    assert.deepEqual(devices('a'), [{ id: 'aMvp0', healthy: false, numaNodes: [1] }]);
    assert.equal(state('a'), faulty);
    assert.equal(resources.current.get('a'), faulty);
  });

  it('use their newest state at each call, even if their devices are the same', () => {
    const { resources, state } = serve();
    resources.apply(decision(served('a')), list);
    const moved: ServedResource = { name: 'a', fault: 'Enslaved' };
    resources.apply(decision(moved), list);
    assert.equal(state('a'), moved);
  });

  it('are ended if the decision no longer contains them; the others continue', async () => {
    const { resources, events, letStop } = serve();
    resources.apply(decision(served('a'), served('b')), list);
    resources.apply(decision(served('b')), list);
    assert.deepEqual([...resources.current.keys()], ['b']);
    letStop();
    assert.deepEqual(await events(), ['start a', 'start b', 'stop a', 'stopped a']);
  });
});

describe('a resource that ends', () => {
  it('is stopped for good, or makes way for DRA', async () => {
    const { resources, events } = serve();
    resources.apply(decision(served('a'), served('b')), list);
    resources.apply(decision(served('b')), list, false);
    resources.apply(decision(), list, true);
    assert.deepEqual(await events(), ['start a', 'start b', 'stop a', 'stop b, which has moved to DRA']);
  });
});

describe('a resource that is applied again', () => {
  it('waits until its old server has ended, without delaying other resources', async () => {
    const { resources, events, letStop } = serve();
    resources.apply(decision(served('a')), list);
    resources.apply(decision(), list);
    resources.apply(decision(served('a'), served('b')), list);
    assert.deepEqual(await events(), ['start a', 'stop a', 'start b']);
    letStop();
    assert.deepEqual(await events(), ['stopped a', 'start a']);
  });

  it('starts at once if its old server has already ended', async () => {
    const { resources, events, letStop } = serve();
    resources.apply(decision(served('a')), list);
    resources.apply(decision(), list);
    letStop();
    await events();
    resources.apply(decision(served('a')), list);
    assert.deepEqual(await events(), ['start a']);
  });

  it('starts with the latest decision from the time while it waited', async () => {
    const { resources, events, devices, letStop } = serve();
    resources.apply(decision(served('a')), list);
    resources.apply(decision(), list);
    resources.apply(decision(served('a', 5)), list);
    resources.apply(decision(served('a', 3)), list);
    letStop();
    await events();
    assert.equal(devices('a')?.length, 3);
  });

  it('is not started if it is removed again while it waits', async () => {
    const { resources, events, letStop } = serve();
    resources.apply(decision(served('a')), list);
    resources.apply(decision(), list);
    resources.apply(decision(served('a')), list);
    resources.apply(decision(), list);
    letStop();
    assert.deepEqual(await events(), ['start a', 'stop a', 'stopped a']);
  });

  it('is started only once if it is removed and applied again while it waits', async () => {
    const { resources, events, devices, letStop } = serve();
    for (const quantity of [1, 2, 3]) {
      resources.apply(decision(), list);
      resources.apply(decision(served('a', quantity)), list);
    }
    letStop();
    assert.deepEqual(await events(), ['start a', 'stop a', 'stopped a', 'start a']);
    assert.equal(devices('a')?.length, 3);
  });
});

describe('disposal', () => {
  it('ends all resources at the same time, and resolves when each has ended', async () => {
    const { resources, events, letStop } = serve();
    resources.apply(decision(served('a'), served('b')), list);
    resources.apply(decision(served('b')), list);
    const disposed = resources[Symbol.asyncDispose]().then(() => 'disposed');
    assert.deepEqual(await events(), ['start a', 'start b', 'stop a', 'stop b']);
    letStop();
    assert.deepEqual(await Promise.race([disposed, events()]), ['stopped a']);
    letStop();
    assert.equal(await disposed, 'disposed');
    assert.deepEqual(await events(), ['stopped b']);
  });

  it('does not start a resource that waits for the end of its old server', async () => {
    const { resources, events, letStop } = serve();
    resources.apply(decision(served('a')), list);
    resources.apply(decision(), list);
    resources.apply(decision(served('a')), list);
    const disposed = resources[Symbol.asyncDispose]();
    letStop();
    await disposed;
    assert.deepEqual(await events(), ['start a', 'stop a', 'stopped a']);
  });

  it('makes every later decision have no effect', async () => {
    const { resources, events } = serve();
    await resources[Symbol.asyncDispose]();
    resources.apply(decision(served('a')), list);
    assert.deepEqual(await events(), []);
    assert.equal(resources.current.size, 0);
  });
});

describe('the API that a node uses', () => {
  const { resource } = served('data', 3);
  assert.ok(resource !== undefined);
  const plan = { node: 'h1', source: 'policy', resources: [resource], skipped: [], conflicts: [] } as const;
  const held = (id: string, isClaimed = false): HeldDevice => ({
    id,
    resource: 'data',
    parent: 'eth1',
    mode: 'bridge',
    ...(isClaimed && { isClaimed }),
  });

  function node(allocation: 'DevicePlugin' | 'DRA' | undefined, ...devices: readonly HeldDevice[]) {
    const state = { allocation, devices };
    const byPlugin = new Map<string, readonly string[]>();
    const byDra: string[] = [];
    /** The resources that ended by a move to DRA. */
    const moved: string[] = [];
    const reconciler = createReconciler({
      resources: {
        apply(next, devicesOf, haveMoved) {
          if (haveMoved) moved.push(...byPlugin.keys().filter((name) => !next.has(name)));
          byPlugin.clear();
          for (const one of next.values())
            byPlugin.set(
              one.name,
              devicesOf(one).map(({ id }) => id),
            );
        },
      },
      dra: {
        get allocation() {
          return state.allocation;
        },
        offer: (resources) => void byDra.splice(0, byDra.length, ...resources.keys()),
      },
      held: { current: () => state.devices, releasedDevices: () => [] },
      parents: { find: () => 1, nameOf: () => 'eth1' },
    });
    return {
      state,
      reconciler,
      served: () => [Object.fromEntries(byPlugin), [...byDra]],
      moved: () => moved.splice(0),
    };
  }

  it('is never both for one resource, and a device that a pod holds stays with its API until it is released', () => {
    const { state, reconciler, served } = node('DevicePlugin', held('dataMvp0'));
    reconciler.onPlan(plan, 'edit');
    assert.deepEqual(served(), [{ data: ['dataMvp0', 'dataMvp1', 'dataMvp2'] }, []]);
    state.allocation = 'DRA';
    reconciler.onAllocation();
    assert.deepEqual(served(), [{ data: ['dataMvp0'] }, ['data']]);
    state.devices = [held('dataMvp1', true)];
    reconciler.onHeld();
    assert.deepEqual(served(), [{}, ['data']]);
    state.allocation = 'DevicePlugin';
    reconciler.onAllocation();
    assert.deepEqual(served(), [{ data: ['dataMvp0', 'dataMvp2'] }, []]);
  });

  it('takes a name from kubelet once: at the start, or when its last device is released', () => {
    const fresh = node('DRA');
    fresh.reconciler.onPlan(plan, 'edit');
    assert.deepEqual([fresh.served(), fresh.moved()], [[{}, ['data']], ['data']]);
    fresh.reconciler.onHeld();
    fresh.reconciler.onPlan(plan, 'edit');
    assert.deepEqual(fresh.moved(), []);
    const { state, reconciler, served, moved } = node('DevicePlugin', held('dataMvp0'));
    reconciler.onPlan(plan, 'edit');
    state.allocation = 'DRA';
    reconciler.onAllocation();
    assert.deepEqual([served(), moved()], [[{ data: ['dataMvp0'] }, ['data']], []]);
    state.devices = [];
    reconciler.onHeld();
    assert.deepEqual([served(), moved()], [[{}, ['data']], ['data']]);
  });

  it('is used only once it is known: until then, only held devices are served', () => {
    const { state, reconciler, served } = node(undefined, held('dataMvp2'));
    reconciler.onPlan(plan, 'edit');
    assert.deepEqual(served(), [{ data: ['dataMvp2'] }, []]);
    state.allocation = 'DRA';
    reconciler.onAllocation();
    assert.deepEqual(served(), [{ data: ['dataMvp2'] }, ['data']]);
    state.allocation = undefined;
    reconciler.onAllocation();
    assert.deepEqual(served(), [{ data: ['dataMvp2'] }, ['data']]);
  });

  it('does not matter for a resource that is no longer planned: prepared claims keep it for reports only', () => {
    const { reconciler, served } = node('DevicePlugin', held('dataMvp0', true));
    reconciler.onPlan({ ...plan, resources: [] }, 'edit');
    assert.deepEqual(served(), [{}, []]);
    assert.deepEqual([...reconciler.current.values()], [{ name: 'data', fault: 'Draining' }]);
  });
});
