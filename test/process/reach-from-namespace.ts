// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';

const run = promisify(execFile);

/** A TCP port of this process's network that can be reached from inside another namespace. */
export interface Reach extends AsyncDisposable {
  /** The address and port as seen from inside the namespace. */
  readonly host: string;
  readonly port: number;
  /** Refuses new connections from inside, and cuts existing ones. */
  close(): Promise<void>;
  open(): Promise<void>;
}

let made = 0;

/** Two addresses that can reach each other. */
export interface Cable extends AsyncDisposable {
  readonly outside: string;
  readonly inside: string;
}

/** Makes a veth pair between this process's network and the namespace, where its end is `api0`. */
export async function layCable(namespace: NetworkNamespace): Promise<Cable> {
  made += 1;
  const name = `kmt${process.pid}-${made}`;
  // 198.18.0.0/15 is reserved for benchmarks (RFC 2544). Each veth pair has its own two addresses.
  const block = ((process.pid * 8 + made) % 16_384) * 4;
  const address = (last: number) => `198.18.${block >> 8}.${(block & 255) + last}`;
  const ip = (args: string) => run('ip', args.split(' '));
  await using undo = new AsyncDisposableStack();
  await ip(`link add ${name} type veth peer name api0 netns ${namespace.name}`);
  undo.defer(async () => void (await ip(`link del ${name}`).catch(() => undefined)));
  await ip(`addr add ${address(1)}/30 dev ${name}`);
  await ip(`link set ${name} up`);
  await namespace.ip(`addr add ${address(2)}/30 dev api0`);
  await namespace.ip('link set api0 up');
  const scope = undo.move();
  return { outside: address(1), inside: address(2), [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Makes a veth pair into the namespace. A listener on the outside end forwards everything to the port. */
export async function reachFromNamespace(namespace: NetworkNamespace, port: number): Promise<Reach> {
  await using undo = new AsyncDisposableStack();
  const { outside } = undo.use(await layCable(namespace));
  const sockets = new Set<Socket>();
  const server = createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        inside.destroy();
        outside.destroy();
      });
    }
    inside.pipe(outside).pipe(inside);
  });
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  let own = 0;
  const open = async () => {
    server.listen(own, outside);
    await once(server, 'listening');
    own = (server.address() as { port: number }).port;
  };
  await open();
  undo.defer(close);
  const scope = undo.move();
  return { host: outside, port: own, close, open, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Returns a kubeconfig for a server. JSON is valid YAML. */
export function kubeconfigFor(server: string, cluster: object, user: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, ...cluster } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
