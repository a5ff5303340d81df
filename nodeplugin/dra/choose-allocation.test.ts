// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptySnapshot } from '../../cluster/source.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { type Allocation, chooseAllocation } from './choose-allocation.ts';

/** Creates a node whose API server answers with these statuses and this version. */
function node(options: { allocation?: Allocation; byLabel?: 'On' | 'Off'; minor?: string; group?: number }) {
  const { allocation = 'DRA', byLabel = 'Off', minor = '37', group = 200 } = options;
  const changes = createListeners();
  const asked: string[] = [];
  const state = { labels: {} as Record<string, string>, group };
  const client = {
    async request(_method: string, path: string) {
      asked.push(path);
      return path === '/version'
        ? { status: 200, body: { major: '1', minor } }
        : { status: state.group, body: { message: 'no' } };
    },
  };
  const source = {
    origin: { kind: 'cluster', client },
    get snapshot() {
      return { ...emptySnapshot, nodes: new Map([['h1', { name: 'h1', labels: state.labels }]]) };
    },
    onChange: changes.add,
  };
  let news = Promise.withResolvers<void>();
  const choice = chooseAllocation({
    config: { 'node-name': 'h1', allocation, 'allocation-by-label': byLabel },
    source: source as never,
    onChange: () => news.resolve(),
  });
  return {
    choice,
    asked,
    state,
    /** Resolves after the next change that the choice reports. */
    next: async () => {
      await news.promise;
      news = Promise.withResolvers<void>();
    },
    setLabel(text: string) {
      state.labels = { 'macvtap.network.kubevirt.io/allocation': text };
      changes.notify();
    },
    [Symbol.asyncDispose]: () => choice[Symbol.asyncDispose](),
  };
}

test('a node without DRA never asks the API server for it', async () => {
  await using started = node({ allocation: 'DevicePlugin' });
  assert.deepEqual([started.choice.current, started.choice.trouble, started.asked], ['DevicePlugin', undefined, []]);
});

test('DRA is used once the API server has shown that it supports it', async () => {
  await using started = node({});
  assert.equal(started.choice.current, undefined);
  await started.next();
  assert.deepEqual([started.choice.current, started.choice.trouble], ['DRA', undefined]);
});

for (const [title, options, reason] of [
  ['an API server without resource.k8s.io/v1', { group: 404 }, /has no resource\.k8s\.io\/v1/],
  ['Kubernetes before the mapping of extended resources', { minor: '35+' }, /Kubernetes 1\.35\+ .* needs 1\.36/],
] as const) {
  test(`with ${title}, the node keeps the device plugin API and has the reason`, async () => {
    await using started = node(options);
    await started.next();
    assert.equal(started.choice.current, 'DevicePlugin');
    assert.match(started.choice.trouble ?? '', reason);
  });
}

test('while the API server does not answer, neither API is chosen', async () => {
  await using started = node({ group: 503 });
  await started.next();
  assert.equal(started.choice.current, undefined);
  started.state.group = 200;
  await started.next();
  assert.equal(started.choice.current, 'DRA');
});

test("the node's label overrides the flag in both directions, and an invalid one is reported", async () => {
  await using started = node({ allocation: 'DevicePlugin', byLabel: 'On' });
  const { choice, setLabel, next } = started;
  assert.equal(choice.current, 'DevicePlugin');
  setLabel('DRA');
  while ((choice.current as Allocation) !== 'DRA') await next();
  setLabel('Dra');
  assert.equal(choice.current, 'DevicePlugin');
  assert.match(choice.trouble ?? '', /label macvtap\.network\.kubevirt\.io\/allocation is "Dra"/);
  setLabel('DevicePlugin');
  assert.deepEqual([choice.current, choice.trouble], ['DevicePlugin', undefined]);
});

test('without permission to use the label, it has no effect', async () => {
  await using started = node({});
  await started.next();
  started.setLabel('DevicePlugin');
  assert.equal(started.choice.current, 'DRA');
});
