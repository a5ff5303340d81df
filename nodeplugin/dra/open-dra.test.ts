// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptySnapshot } from '../../cluster/source.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { type OpenDraOptions, openDra } from './open-dra.ts';

const claim = { namespace: 'vms', name: 'net-of-vm-a', uid: 'claim-1', request: 'r', pods: [] };
const ignore = () => {};

it('the end of the DRA driver waits for claims that are just being unprepared', async () => {
  await using server = await startApiServer();
  await using client = connectStandIn(server);
  await using directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-dra-'));
  const record = { resource: 'net', claim } as unknown as DeviceRecord;
  const recording = Promise.withResolvers<void>();
  const order: string[] = [];
  const ledger = {
    entries: () => [['netMvp0', record]],
    get: () => record,
    async record() {
      recording.resolve();
      // A slow disk. Without the wait, the driver would end before this.
      await sleep(300);
      order.push('recorded');
    },
  };
  const dra = await openDra({
    config: {
      'node-name': 'h1',
      allocation: 'DRA',
      'allocation-by-label': 'Off',
      'cdi-dir': directory.path,
      'kubelet-dir': directory.path,
      'orphan-grace': 5,
    },
    source: {
      origin: { kind: 'cluster', client, mostMatched: undefined },
      snapshot: emptySnapshot,
      onChange: () => ({ [Symbol.dispose]() {} }),
    },
    context: {
      nodeName: 'h1',
      lock: createKeyedMutex(),
      findInterface: ignore,
    } as unknown as OpenDraOptions['context'],
    ledger: ledger as unknown as OpenDraOptions['ledger'],
    held: { current: () => [], has: () => false },
    onChange: ignore,
    onAnswer: ignore,
    onHeld: ignore,
    onTrouble: ignore,
    onRegistered: ignore,
    onCollected: ignore,
    onSlices: ignore,
  });
  await recording.promise;
  await dra[Symbol.asyncDispose]();
  order.push('ended');
  assert.deepEqual(order, ['recorded', 'ended']);
});
