// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from '../control-plane/api-client.ts';
import { type ApiServerOptions, apiServerCommand } from '../control-plane/api-server-command.ts';
import { waitFor } from '../control-plane/wait-for.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';

/** Starts a kube-apiserver on loopback, and waits until it is ready. */
export async function startApiServer(
  options: Omit<ApiServerOptions, 'address'> & { readonly admin: ApiClient },
): Promise<RunningProcess> {
  await using scope = new AsyncDisposableStack();
  const command = apiServerCommand({ ...options, address: '127.0.0.1' });
  const running = scope.use(startProcess({ name: 'kube-apiserver', command }));
  await waitFor('kube-apiserver', running, async () => (await options.admin.call('GET', '/readyz')).status === 200);
  scope.move();
  return running;
}
