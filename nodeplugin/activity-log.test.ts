// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MacvtapError } from '../runtime/errors.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { createActivityLog } from './activity-log.ts';
import { createWorkRecorder } from './work-metrics.ts';

function start() {
  const { log, lines } = keepLog();
  return { activity: createActivityLog(log, createWorkRecorder(createMetrics())), lines };
}

const error = new MacvtapError('ParentGone', 'eth1 is gone');
const durationMs = 1.23456;

describe('one line with object, cause and duration', () => {
  for (const method of ['Allocate', 'PreStartContainer'] as const) {
    it(`logs a successful and a failed ${method}`, () => {
      const { activity, lines } = start();
      const devices = ['netMvp0'];
      activity.answeredCall('net', { method, devices, durationMs });
      activity.answeredCall('net', { method, devices, durationMs, error });
      activity.failedCall('net', `/v1beta1.DevicePlugin/${method}`, error);
      const fields = { resource: 'net', devices, durationMs: 1.235 };
      const [done, failed, ...rest] = lines;
      assert.deepEqual(done?.fields, fields);
      assert.deepEqual(failed, { level: 'warn', message: 'call failed', fields: { ...fields, method, error } });
      assert.deepEqual(rest, []);
    });
  }

  for (const command of ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION']) {
    it(`logs a successful and a failed ${command}`, () => {
      const { activity, lines } = start();
      const facts = {
        command,
        ifname: 'net1',
        pod: { namespace: 'vms', name: 'a' },
        network: 'blue',
        device: 'netMvp0',
      };
      activity.answeredRequest({ ...facts, durationMs });
      activity.answeredRequest({ ...facts, durationMs, failure: { code: 11, operation: command, error } });
      const [done, failed, ...rest] = lines;
      assert.deepEqual(done?.fields, { ...facts, durationMs: 1.235 });
      const failure = { ...facts, durationMs: 1.235, error };
      assert.deepEqual(failed, { level: 'warn', message: 'CNI request failed', fields: failure });
      assert.deepEqual(rest, []);
    });
  }
});

it('logs the devices that GC detached, with their network', () => {
  const { activity, lines } = start();
  activity.attachments.onCollected('blue', ['netMvp1']);
  const [line] = lines;
  assert.deepEqual([line?.level, line?.fields], ['info', { network: 'blue', devices: ['netMvp1'] }]);
});

it('logs the method of a failed call that has no duration', () => {
  const { activity, lines } = start();
  const method = '/v1beta1.DevicePlugin/GetPreferredAllocation';
  activity.failedCall('net', method, error);
  assert.deepEqual(lines, [{ level: 'warn', message: 'call failed', fields: { resource: 'net', method, error } }]);
});
