// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { createDeviceList } from './device-list.ts';
import { type DeviceCall, observeCalls } from './observe-calls.ts';

const scope = { signal: new AbortController().signal };
const request = { container_requests: [{ devices_ids: ['a', 'b'] }, { devices_ids: ['c'] }] };

function observed(error?: Error) {
  const calls: DeviceCall[] = [];
  const answer = <Value>(value: Value): Value => {
    if (error !== undefined) throw error;
    return value;
  };
  const handlers = observeCalls(
    {
      options: { pre_start_required: true, get_preferred_allocation_available: true },
      list: createDeviceList(),
      allocate: () => answer({ container_responses: [] }),
      preferredAllocation: () => ({ container_responses: [] }),
      preStartContainer: async () => answer(undefined),
    },
    (call) => calls.push(call),
  );
  return { calls, handlers };
}

test('calls that succeed are told with their devices and duration, and answered as before', async () => {
  const { calls, handlers } = observed();
  assert.deepEqual(await handlers.allocate(request, scope), { container_responses: [] });
  await handlers.preStartContainer({ devices_ids: ['a'] }, scope);
  assert.deepEqual(
    calls.map(({ method, devices, error }) => [method, devices.join(), error]),
    [
      ['Allocate', 'a,b,c', undefined],
      ['PreStartContainer', 'a', undefined],
    ],
  );
  assert.ok(calls.every(({ durationMs }) => durationMs >= 0));
});

test('calls that fail are told with their error, which goes on', async () => {
  const error = new MacvtapError('ParentGone', 'gone');
  const { calls, handlers } = observed(error);
  await assert.rejects(async () => handlers.allocate(request, scope), error);
  await assert.rejects(async () => handlers.preStartContainer({ devices_ids: [] }, scope), error);
  assert.deepEqual(
    calls.map((call) => call.error?.code),
    ['ParentGone', 'ParentGone'],
  );
});
