// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { askQemu } from './ask-qemu.ts';

/** A stand-in for qemu: it answers each command with lines, or ends the connection. */
async function fakeQemu(answer: (command: { execute: string }) => readonly object[] | 'end') {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-qemu-'));
  const path = join(folder.path, 'socket');
  const commands: object[] = [];
  const connections: Socket[] = [];
  const server = createServer((connection) => {
    connections.push(connection);
    connection.on('error', () => {});
    connection.write(`${JSON.stringify({ QMP: { version: {}, capabilities: [] } })}\n`);
    createInterface({ input: connection }).on('line', (line) => {
      const command = JSON.parse(line);
      commands.push(command);
      const lines = command.execute === 'qmp_capabilities' ? [{ return: {} }] : answer(command);
      if (lines === 'end') connection.destroy();
      else for (const one of lines) connection.write(`${JSON.stringify(one)}\n`);
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    commands,
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const unplug = {
  execute: 'device_del',
  arguments: { id: 'eth1' },
  event: { name: 'DEVICE_DELETED', device: 'eth1' },
} as const;
const deleted = (device: string) => ({ event: 'DEVICE_DELETED', data: { device, path: `/machine/${device}` } });

describe('a command to qemu', () => {
  it('is given after the negotiation, and has succeeded with its answer', async () => {
    await using qemu = await fakeQemu(() => [{ event: 'NIC_RX_FILTER_CHANGED', data: {} }, { return: {} }]);
    await askQemu(qemu.path, { execute: 'set_link', arguments: { name: 'eth1', up: false } });
    assert.deepEqual(qemu.commands, [
      { execute: 'qmp_capabilities' },
      { execute: 'set_link', arguments: { name: 'eth1', up: false } },
    ]);
  });

  it('that takes effect later has succeeded with the event of its own device, not of another', async () => {
    await using qemu = await fakeQemu(() => [deleted('eth0'), { return: {} }, deleted('eth2'), deleted('eth1')]);
    await askQemu(qemu.path, unplug);
    const over = new AbortController();
    await using silent = await fakeQemu(() => {
      setImmediate(() => over.abort());
      return [{ return: {} }, deleted('eth2')];
    });
    await assert.rejects(askQemu(silent.path, unplug, over.signal), /device_del: no event DEVICE_DELETED of eth1/);
  });

  it('is an error with the reason of qemu, or if qemu ends', async () => {
    const refusal = { error: { class: 'DeviceNotFound', desc: "Device 'eth1' not found" } };
    await using refusing = await fakeQemu(() => [refusal]);
    await assert.rejects(askQemu(refusing.path, unplug), /qemu refuses device_del: Device 'eth1' not found/);
    await using ending = await fakeQemu(() => 'end');
    await assert.rejects(askQemu(ending.path, unplug), /qemu ended during device_del/);
  });
});
