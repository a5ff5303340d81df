// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { findPorts } from '../control-plane/find-ports.ts';
import { waitFor } from '../control-plane/wait-for.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import type { ControlPlane } from './control-plane.ts';
import { installationNamespace, makeNode } from './install.ts';
import { podToken } from './pod-token.ts';
import { readMetrics, type Sample } from './read-metrics.ts';

export interface WebhookOptions {
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The arguments for Node.js; the default is the webhook's source. */
  readonly program?: readonly string[];
}

/** One replica of the real webhook, with exactly the RBAC rules of the chart. */
export interface RunningWebhook extends AsyncDisposable {
  readonly process: RunningProcess;
  /** The port on 127.0.0.1 at which it answers reviews. */
  readonly port: number;
  isReady(): Promise<boolean>;
  metrics(): Promise<readonly Sample[]>;
}

const main = fileURLToPath(new URL('../../webhook/main.ts', import.meta.url));

/** The node in the replicas' tokens. */
const nodeName = 'control-plane';
let started = 0;

/** Starts a replica and waits until it is ready. */
export async function startWebhook(
  cluster: ControlPlane,
  { flags = [], environment = {}, program = [main] }: WebhookOptions = {},
): Promise<RunningWebhook> {
  started += 1;
  const name = `webhook-${started}`;
  if ((await cluster.admin.call('GET', `/api/v1/nodes/${nodeName}`)).status === 404) await makeNode(cluster, nodeName);
  const token = await podToken(cluster, {
    namespace: installationNamespace,
    serviceAccount: 'kube-macvtap-webhook',
    node: nodeName,
  });
  const kubeconfig = await cluster.writeKubeconfig(name, token);
  const [port = 0, metricsPort = 0] = await findPorts(2);
  await using scope = new AsyncDisposableStack();
  const running = scope.use(
    startProcess({
      name,
      command: [
        ...([process.execPath, ...program] as const),
        ...['--source', 'cluster', '--kubeconfig', kubeconfig],
        ...['--listen', `127.0.0.1:${port}`, '--metrics-listen', `127.0.0.1:${metricsPort}`],
        ...flags,
      ],
      environment,
    }),
  );
  const ask = (path: string) => fetch(`http://127.0.0.1:${metricsPort}${path}`);
  const isReady = async () => (await ask('/readyz')).ok;
  await waitFor(name, running, isReady);
  const owned = scope.move();
  return {
    process: running,
    port,
    isReady,
    metrics: async () => readMetrics(await (await ask('/metrics')).text()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
