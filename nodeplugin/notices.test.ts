// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MacvtapError } from '../runtime/errors.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { createNotices } from './notices.ts';
import { recordWork } from './record-work.ts';

function start() {
  const { log, lines } = keepLog();
  return { tell: createNotices(log, recordWork(createMetrics())), lines };
}

const error = new MacvtapError('ParentGone', 'eth1 is gone');
const durationMs = 1.23456;

describe('one line with object, cause and duration', () => {
  for (const method of ['Allocate', 'PreStartContainer'] as const) {
    it(`tells of ${method}, and of one that failed`, () => {
      const { tell, lines } = start();
      const devices = ['netMvp0'];
      tell.answeredCall('net', { method, devices, durationMs });
      tell.answeredCall('net', { method, devices, durationMs, error });
      tell.failedCall('net', `/v1beta1.DevicePlugin/${method}`, error);
      const fields = { resource: 'net', devices, durationMs: 1.235 };
      const [done, failed, ...rest] = lines;
      assert.deepEqual(done?.fields, fields);
      assert.deepEqual(failed, { level: 'warn', message: 'call failed', fields: { ...fields, method, error } });
      assert.deepEqual(rest, []);
    });
  }

  for (const command of ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION']) {
    it(`tells of ${command}, and of one that failed`, () => {
      const { tell, lines } = start();
      const facts = {
        command,
        ifname: 'net1',
        pod: { namespace: 'vms', name: 'a' },
        network: 'blue',
        device: 'netMvp0',
      };
      tell.answeredRequest({ ...facts, durationMs });
      tell.answeredRequest({ ...facts, durationMs, failure: { code: 11, operation: command, error } });
      const [done, failed, ...rest] = lines;
      assert.deepEqual(done?.fields, { ...facts, durationMs: 1.235 });
      const failure = { ...facts, durationMs: 1.235, error };
      assert.deepEqual(failed, { level: 'warn', message: 'the CNI plugin failed', fields: failure });
      assert.deepEqual(rest, []);
    });
  }
});

it('tells what GC took out of pods, by network and device', () => {
  const { tell, lines } = start();
  tell.unnamed('blue', ['netMvp1']);
  const [line] = lines;
  assert.deepEqual([line?.level, line?.fields], ['info', { network: 'blue', devices: ['netMvp1'] }]);
});

it('tells that a call failed which nobody times, by its method', () => {
  const { tell, lines } = start();
  const method = '/v1beta1.DevicePlugin/GetPreferredAllocation';
  tell.failedCall('net', method, error);
  assert.deepEqual(lines, [{ level: 'warn', message: 'call failed', fields: { resource: 'net', method, error } }]);
});
