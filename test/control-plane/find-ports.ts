// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Ports below net.ipv4.ip_local_port_range (32768 and up). No outgoing connection can take them while the server that
 * used them is restarted.
 */
const lowest = 20_000;
const highest = 32_000;

/** The first port depends on the process, because test files run at the same time and must not use the same ports. */
let next = lowest + ((process.pid * 97) % (highest - lowest));

/** Finds free TCP ports on loopback. */
export async function findPorts(count: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries += 1) {
    if (tries === highest - lowest) throw new Error(`no ${count} free ports between ${lowest} and ${highest}`);
    const port = next;
    next = port + 1 === highest ? lowest : port + 1;
    if (await isFree(port)) found.push(port);
  }
  return found;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
