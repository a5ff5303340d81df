// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { type AnsweredRequest, observeRequest } from './answered-request.ts';
import { toCNIError } from './spec/cni-protocol.ts';

const environment = new Map([
  ['CNI_COMMAND', 'ADD'],
  ['CNI_IFNAME', 'net1'],
  ['CNI_ARGS', 'IgnoreUnknown=1;K8S_POD_NAMESPACE=vms;K8S_POD_NAME=a'],
]);
const stdin = Buffer.from(JSON.stringify({ name: 'blue', type: 'macvtap', deviceID: 'netMvp0' }));

async function observe(
  answer: { exitCode: number; output: string },
  variables = environment,
  text: Uint8Array = stdin,
  failure?: MacvtapError,
) {
  const told: AnsweredRequest[] = [];
  const given = { type: 'answer', ...answer } as const;
  const request = { environment: variables, stdin: text };
  const got = await observeRequest(
    request,
    async (onFailure) => {
      if (failure !== undefined) onFailure('ADD of net1', failure, undefined);
      return given;
    },
    (done) => void told.push(done),
  );
  assert.equal(got, given);
  return told.map(({ durationMs, ...rest }) => ({ ...rest, isTimed: durationMs >= 0 }));
}

test('an answered request is reported with its command, interface, pod, network and device', async () => {
  assert.deepEqual(await observe({ exitCode: 0, output: '' }), [
    {
      command: 'ADD',
      ifname: 'net1',
      pod: { namespace: 'vms', name: 'a' },
      network: 'blue',
      device: 'netMvp0',
      isTimed: true,
    },
  ]);
});

test('a failed request is reported with its error, its code, its names and its duration', async () => {
  const error = new MacvtapError('ParentGone', 'gone');
  const output = JSON.stringify(toCNIError(error, '1.0.0', 'ADD'));
  const [told] = await observe({ exitCode: 1, output }, environment, stdin, error);
  assert.deepEqual(told?.failure, { code: 11, operation: 'ADD of net1', error });
  assert.deepEqual([told.pod, told.device, told.isTimed], [{ namespace: 'vms', name: 'a' }, 'netMvp0', true]);
});

test('an unreadable request is also reported, and its names are shortened and printable', async () => {
  assert.deepEqual(await observe({ exitCode: 0, output: '' }, new Map(), Buffer.from('{')), [{ isTimed: true }]);
  const [told] = await observe({ exitCode: 0, output: '' }, new Map([['CNI_COMMAND', `\n${'x'.repeat(100)}`]]));
  assert.equal(told?.command, `?${'x'.repeat(79)}…`);
});
