// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { until } from '../../test/process/until.ts';
import { probeMacvtap, watchMacvtapSupport } from './open-node-links.ts';

/** A kernel that answers a probe with an error of this code. */
function kernel(code: 'ParentGone' | 'MacvtapUnsupported' | 'MissingCapability') {
  const state = { code, probes: 0 };
  const createMacvtap = () => {
    state.probes += 1;
    return Promise.reject(new MacvtapError(state.code, 'as the kernel reports'));
  };
  return { state, links: { createMacvtap } };
}

const { signal } = new AbortController();

describe('macvtap in the kernel', () => {
  it('is probed only once if it is available', async () => {
    const { links, state } = kernel('ParentGone');
    await using support = await watchMacvtapSupport({ links, signal, lookMs: 1 });
    await sleep(20);
    assert.deepEqual([support.isThere, state.probes], [true, 1]);
  });

  it('is probed until an administrator loads the module, which is reported once', async () => {
    const { links, state } = kernel('MacvtapUnsupported');
    await using support = await watchMacvtapSupport({ links, signal, lookMs: 1 });
    const told: boolean[] = [];
    using _ = support.onChange(() => told.push(support.isThere));
    await until(
      async () => state.probes,
      (probes) => probes > 3,
    );
    assert.deepEqual([support.isThere, told], [false, []]);
    state.code = 'ParentGone';
    await until(
      async () => support.isThere,
      (isThere) => isThere,
    );
    const { probes } = state;
    await sleep(20);
    assert.deepEqual([told, state.probes], [[true], probes]);
  });

  it('cannot be probed without the capability, and the start fails', async () => {
    const { links } = kernel('MissingCapability');
    await assert.rejects(watchMacvtapSupport({ links, signal }), { code: 'MissingCapability' });
  });
});

function failing(code: ErrorCode) {
  return {
    createMacvtap: async () => {
      throw new MacvtapError(code, code);
    },
  };
}

test('a kernel that reports a missing parent has macvtap', async () => {
  assert.equal(await probeMacvtap(failing('ParentGone')), true);
});

test('a kernel that does not know the link kind has no macvtap', async () => {
  assert.equal(await probeMacvtap(failing('MacvtapUnsupported')), false);
});

test('any other error does not show whether macvtap is supported, and is raised', async () => {
  await assert.rejects(probeMacvtap(failing('MissingCapability')), { code: 'MissingCapability' });
});
