// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { createNotices } from './notices.ts';

test('a fault is told once for as long as it stays, and again when it comes back', () => {
  const { log, lines } = keepLog();
  let faults: readonly { readonly where: string; readonly message: string }[] = [
    { where: 'a.yaml', message: 'broken' },
  ];
  const listeners = new Set<() => void>();
  const source = {
    get faults() {
      return faults;
    },
    onChange(listener: () => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const told = () => lines.map(({ fields }) => `${fields.where} ${fields.fault}`);
  const change = (...next: typeof faults) => {
    faults = next;
    for (const listener of listeners) listener();
  };
  const following = createNotices(log).sourceFaults(source);
  assert.deepEqual(told(), ['a.yaml broken']);
  change({ where: 'a.yaml', message: 'broken' }, { where: 'b.yaml', message: 'broken' });
  change();
  change({ where: 'a.yaml', message: 'broken' });
  assert.deepEqual(told(), ['a.yaml broken', 'b.yaml broken', 'a.yaml broken']);
  following[Symbol.dispose]();
  assert.equal(listeners.size, 0);
});
