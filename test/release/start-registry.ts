// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binaryPath } from '../binaries/binary-path.ts';
import { findPorts } from '../control-plane/find-ports.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import { type RegistryFiles, writeRegistryFiles } from './registry-files.ts';

/** A registry on loopback, with TLS and basic authentication. Its data ends with the scope. */
export interface TestRegistry extends RegistryFiles, AsyncDisposable {
  /** Ends the process, as in an outage. The data stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startRegistry(): Promise<TestRegistry> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-registry-')));
  const [port = 0] = await findPorts(1);
  const files = await writeRegistryFiles(folder.path, '127.0.0.1', port);
  const ca = await readFile(files.caFile, 'utf8');
  let running: AsyncDisposable | undefined;
  const stop = async () => {
    await running?.[Symbol.asyncDispose]();
    running = undefined;
  };
  const start = async () => {
    const server = startProcess({ name: 'registry', command: [binaryPath('registry'), 'serve', files.configFile] });
    running = server;
    await Promise.race([
      until(
        () => askRegistry(files.host, ca),
        (status) => status === 401,
      ),
      server.exit.then(() => {
        throw new Error(`the registry ended:\n${server.output}`);
      }),
    ]);
  };
  undo.defer(stop);
  await start();
  const scope = undo.move();
  return { ...files, start, stop, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/**
 * Returns the status with which a registry answers a request without credentials, or undefined if it does not answer.
 */
export async function askRegistry(host: string, ca: string): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  request(`https://${host}/v2/`, { ca }, (response) => {
    response.resume();
    resolve(response.statusCode);
  })
    .on('error', () => resolve(undefined))
    .end();
  return await promise;
}
