// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pair } from '../../../certs/certificate-state.ts';
import { makePair } from '../../../certs/serving-pair.ts';
import { readMetrics, type Sample } from '../../apiserver/read-metrics.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { type RunningProcess, startProcess } from '../../process/start-process.ts';
import type { ProgramForm } from '../program-form.ts';
import { type ServedCluster, serveCluster } from './serve-cluster.ts';

/** A cluster, and the files that are needed to serve TLS in it. */
export interface WebhookSite extends AsyncDisposable {
  readonly cluster: ServedCluster;
  readonly pair: Pair;
  /** The folder with the pair, as `tls.crt` and `tls.key`. */
  readonly certFolder: string;
  readonly accountFolder: string;
}

/** A server that answers reviews, in a separate process. */
export interface ReviewServer extends AsyncDisposable {
  readonly process: RunningProcess;
  /** The port on 127.0.0.1. */
  readonly port: number;
}

/** The webhook, as it runs in a pod. */
export interface BenchWebhook extends ReviewServer {
  metrics(): Promise<readonly Sample[]>;
}

export async function makeWebhookSite(objects: readonly WrittenObject[]): Promise<WebhookSite> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-webhook-')));
  const [certFolder, accountFolder] = [join(path, 'certs'), join(path, 'account')];
  for (const folder of [certFolder, accountFolder]) await mkdir(folder);
  const now = Date.now();
  const pair = await makePair({ names: ['127.0.0.1'], notBeforeMs: now - dayMs, notAfterMs: now + dayMs });
  await writeFile(join(certFolder, 'tls.crt'), pair.certPem);
  await writeFile(join(certFolder, 'tls.key'), pair.keyPem);
  const cluster = undo.use(await serveCluster(objects, { pair, accountFolder }));
  const scope = undo.move();
  return { cluster, pair, certFolder, accountFolder, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

const dayMs = 86_400_000;

/** The longest wait, which is far more than it takes to read 5,000 nodes. */
const readyMs = 120_000;

/** Starts the webhook and waits until it is ready, which means that the whole cluster was read without errors. */
export async function startWebhook(
  { cluster, certFolder, accountFolder }: WebhookSite,
  form: ProgramForm,
): Promise<BenchWebhook> {
  await using undo = new AsyncDisposableStack();
  const flags = [
    ...['--source', 'cluster', '--certificates', 'files', '--cert-dir', certFolder],
    ...['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
  ];
  const running = undo.use(
    startProcess({
      name: `webhook, ${form.name}`,
      command: [...inPod(accountFolder), process.execPath, ...form.nodeFlags, form.main, ...flags],
      environment: { ...cluster.environment, ...form.environment },
    }),
  );
  const health = portIn(await running.waitForLine(/health and metrics are served/));
  const port = portIn(await running.waitForLine(/reviews are answered/, readyMs));
  const ask = (path: string) => fetch(`http://127.0.0.1:${health}${path}`);
  const over = AbortSignal.timeout(readyMs);
  while (!(await ask('/readyz')).ok) {
    over.throwIfAborted();
    await sleep(100);
  }
  const problem = running.output.split('\n').find((line) => /"level":"(warn|error)"/.test(line));
  if (problem !== undefined) throw new Error(`the webhook reports errors in its cluster: ${problem.slice(0, 1_000)}`);
  const scope = undo.move();
  return {
    process: running,
    port,
    metrics: async () => readMetrics(await (await ask('/metrics')).text()),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/**
 * Returns a command that runs its arguments in a separate mount namespace, in which a service account is mounted as by
 * kubelet. The program replaces the command (exec), so it has the process ID of the command.
 */
function inPod(accountFolder: string): readonly [string, ...string[]] {
  const script = [
    'set -e',
    'account=/var/run/secrets/kubernetes.io/serviceaccount',
    // Opens the folder first, because the mount on /var/run may hide it.
    'exec 3< "$0"',
    'mount -t tmpfs tmpfs /var/run',
    'mkdir -p "$account"',
    'cp /proc/self/fd/3/* "$account"',
    'exec 3<&-',
    'exec "$@"',
  ];
  return ['unshare', '--mount', 'sh', '-c', script.join('\n'), accountFolder];
}

/** Returns the port in a line of the log that contains an address. */
function portIn(line: string): number {
  return Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1]);
}
