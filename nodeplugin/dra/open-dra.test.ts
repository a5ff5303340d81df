// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../cluster/api/client.ts';
import { emptySnapshot } from '../../cluster/source.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../test/process/until.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { type OpenDraOptions, openDra } from './open-dra.ts';

const claim = { namespace: 'vms', name: 'net-of-vm-a', uid: 'claim-1', request: 'r', pods: [] };
const ignore = () => {};

type Entries = ReturnType<OpenDraOptions['ledger']['entries']>;

/** Returns the options for a node that uses DRA, or no longer may. */
function optionsOf(
  directory: string,
  client: ApiClient,
  entries: () => Entries,
  allocation: 'DRA' | 'DevicePlugin' = 'DRA',
): OpenDraOptions {
  return {
    config: {
      'node-name': 'h1',
      allocation,
      'allocation-by-label': 'Off',
      'cdi-dir': directory,
      'kubelet-dir': directory,
      'state-dir': directory,
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
    ledger: { entries } as unknown as OpenDraOptions['ledger'],
    held: { current: () => [], has: () => false },
    onChange: ignore,
    onAnswer: ignore,
    onHeld: ignore,
    onTrouble: ignore,
    onRegistered: ignore,
    onCollected: ignore,
    onSlices: ignore,
  };
}

const markerIn = (directory: string) => join(directory, 'dra-driver-served');
const socketsIn = (directory: string) => readdir(join(directory, 'plugins_registry')).catch(() => []);
const untilSockets = (directory: string, count: number) =>
  until(
    () => socketsIn(directory),
    ({ length }) => length === count,
  );

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
    ...optionsOf(directory.path, client, () => []),
    ledger: ledger as unknown as OpenDraOptions['ledger'],
  });
  await recording.promise;
  await dra[Symbol.asyncDispose]();
  order.push('ended');
  assert.deepEqual(order, ['recorded', 'ended']);
});

describe('an installation that no longer allows DRA', () => {
  it('serves the driver again after a pause on a node that served it, because kubelet may still need it', async () => {
    await using server = await startApiServer();
    await using client = connectStandIn(server);
    await using directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-dra-'));
    const entries: [string, DeviceRecord][] = [['netMvp0', { resource: 'net', claim } as unknown as DeviceRecord]];
    const options = optionsOf(directory.path, client, () => entries, 'DevicePlugin');
    {
      await using dra = await openDra({ ...options, withdrawMs: 1e6 });
      await untilSockets(directory.path, 1);
      // The mark is durable before kubelet can find the driver.
      assert.equal(existsSync(markerIn(directory.path)), true);
      entries.pop();
      dra.offer(new Map());
      await untilSockets(directory.path, 0);
    }
    await using _serving = await openDra({ ...options, withdrawMs: 1 });
    await untilSockets(directory.path, 1);
  });

  it('serves no driver on a node that never served it, and removes the socket of a killed process', async () => {
    await using server = await startApiServer();
    await using client = connectStandIn(server);
    await using directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-dra-'));
    const registry = join(directory.path, 'plugins_registry');
    await mkdir(registry);
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['--eval', script, join(registry, 'kube-macvtap-dra.1.sock')]);
    assert.equal((await socketsIn(directory.path)).length, 1);
    const options = optionsOf(directory.path, client, () => [], 'DevicePlugin');
    await using _dra = await openDra({ ...options, withdrawMs: 1 });
    assert.deepEqual(await socketsIn(directory.path), []);
    assert.equal(existsSync(markerIn(directory.path)), false);
  });
});
