// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, makeApiClient } from '../control-plane/api-client.ts';
import { kubeconfigText, makeCredentials } from '../control-plane/credentials.ts';
import { findPorts } from '../control-plane/find-ports.ts';
import { type KubectlEnding, runKubectl } from '../control-plane/run-kubectl.ts';
import { makeScratchFolder } from './scratch-folder.ts';
import { startApiServer } from './start-api-server.ts';
import { type Etcd, startEtcd } from './start-etcd.ts';

/** A real etcd and kube-apiserver on loopback, without nodes and controllers. Everything is removed with its scope. */
export interface ControlPlane extends AsyncDisposable {
  /** A folder for files that are removed with the control plane. */
  readonly folder: string;
  /** The URL of the API server, such as `https://127.0.0.1:20443`. */
  readonly server: string;
  readonly caFile: string;
  readonly kubeconfig: string;
  readonly admin: ApiClient;
  readonly etcd: Etcd;
  /** Runs kubectl as an administrator. `--kubeconfig` chooses another identity. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlEnding>;
  /** Runs a kubectl command that must succeed. Returns its output; rejects with its errors. */
  mustKubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Disposes of a resource before the control plane ends. */
  use<Resource extends AsyncDisposable | Disposable>(resource: Resource): Resource;
  /** Returns a client with another identity. */
  clientFor(token: string): ApiClient;
  /** Writes a kubeconfig for another identity and returns its path. */
  writeKubeconfig(name: string, token: string): Promise<string>;
  stopApiServer(): Promise<void>;
  /** Starts the API server again on the same port with the same etcd, and waits until it is ready. */
  restartApiServer(): Promise<void>;
}

/**
 * The time that the API server gets to stop. By itself, it would wait until all watching clients have disconnected. The
 * tests need them cut off, as in a crash.
 */
const stopGraceMs = 1_000;

/** Writes files that the API server needs at its start, and returns additional flags. */
export type PrepareApiServer = (folder: string) => Promise<readonly string[]>;

/** Starts a control plane and waits until it is ready. */
export async function startControlPlane(prepare: PrepareApiServer = async () => []): Promise<ControlPlane> {
  await using scope = new AsyncDisposableStack();
  const { path: folder } = scope.use(await makeScratchFolder());
  const credentials = await makeCredentials(folder);
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await findPorts(3);
  const etcd = scope.use(await startEtcd({ folder, port: etcdPort, peerPort }));
  const server = `https://127.0.0.1:${apiPort}`;
  const admin = scope.use(makeApiClient(server, credentials.ca, credentials.adminToken));
  const flags = await prepare(folder);
  const start = () => startApiServer({ folder, port: apiPort, etcd: etcd.url, credentials, admin, flags });
  let apiServer = await start();
  scope.defer(() => apiServer[Symbol.asyncDispose]());

  const writeKubeconfig = async (name: string, token: string) => {
    const path = join(folder, `${name}.kubeconfig`);
    await writeFile(path, kubeconfigText(server, credentials.caFile, token), { mode: 0o600 });
    return path;
  };
  const kubeconfig = await writeKubeconfig('admin', credentials.adminToken);
  const kubectl = (args: readonly string[], stdin?: string) => runKubectl({ kubeconfig, home: folder }, args, stdin);
  const owned = scope.move();
  return {
    folder,
    server,
    caFile: credentials.caFile,
    kubeconfig,
    admin,
    etcd,
    kubectl,
    async mustKubectl(args, stdin) {
      const { code, stdout, stderr } = await kubectl(args, stdin);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
      return stdout;
    },
    use: (resource) => owned.use(resource),
    clientFor: (token) => owned.use(makeApiClient(server, credentials.ca, token)),
    writeKubeconfig,
    async stopApiServer() {
      await apiServer.stop(stopGraceMs);
    },
    async restartApiServer() {
      await apiServer.stop(stopGraceMs);
      apiServer = await start();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
