// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareDeviceIDs, deviceIDs, parseDeviceID } from './device-id.ts';

describe('the IDs of devices', () => {
  it('are the name of the resource, Mvp and a number from 0', () => {
    assert.deepEqual(deviceIDs('data', 3), ['dataMvp0', 'dataMvp1', 'dataMvp2']);
    assert.deepEqual(deviceIDs('data', 0), []);
  });

  for (const [id, parsed] of [
    ['dataMvp0', { resourceName: 'data', index: 0 }],
    ['dataMvp4095', { resourceName: 'data', index: 4095 }],
    ['Mvp1Mvp2', { resourceName: 'Mvp1', index: 2 }],
    ['aMvpMvp3', { resourceName: 'aMvp', index: 3 }],
    ['', undefined],
    ['data', undefined],
    ['Mvp0', undefined],
    ['dataMvp', undefined],
    ['dataMvp01', undefined],
    ['dataMvp-1', undefined],
    ['dataMvp1 ', undefined],
    ['datamvp1', undefined],
    ['dataMvp99999999999999999999', undefined],
  ] as const) {
    it(`${JSON.stringify(id)} is read as ${JSON.stringify(parsed)}`, () => assert.deepEqual(parseDeviceID(id), parsed));
  }

  it('are read back as they were given, and sort as a person counts', () => {
    const ids = deviceIDs('eth0.100', 120);
    assert.deepEqual(
      ids.map(parseDeviceID),
      ids.map((_, index) => ({ resourceName: 'eth0.100', index })),
    );
    assert.deepEqual(ids.toReversed().sort(compareDeviceIDs), ids);
  });
});
