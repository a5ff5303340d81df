// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findPorts } from '../control-plane/find-ports.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import { alertsFile } from './alert-rules.ts';

/** A series in a response, with its newest value. */
export interface SeriesValue {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A rule as Prometheus evaluates it. */
export interface EvaluatedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly alerts: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[];
}

/** A real Prometheus that scrapes targets every second and has loaded the chart's alerts. */
export interface Prometheus extends AsyncDisposable {
  /** Runs an instant query. Rejects with the error of Prometheus for an invalid query. */
  query(expression: string): Promise<readonly SeriesValue[]>;
  /** Repeats a query until `isWanted` accepts the answer. */
  until(expression: string, isWanted: (answer: readonly SeriesValue[]) => boolean): Promise<readonly SeriesValue[]>;
  rules(): Promise<readonly EvaluatedRule[]>;
}

/** Starts Prometheus. The targets are keyed by job: `{ 'kube-macvtap-webhook': ['127.0.0.1:9443'] }`. */
export async function startPrometheus(targets: Readonly<Record<string, readonly string[]>>): Promise<Prometheus> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-prometheus-')));
  const [port] = await findPorts(1);
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [alertsFile],
    scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
      job_name: job,
      static_configs: [{ targets: addresses }],
    })),
  };
  const file = join(folder.path, 'prometheus.yaml');
  await writeFile(file, stringify(config));
  const running = undo.use(
    startProcess({
      name: 'Prometheus',
      command: [
        ...(['prometheus', `--config.file=${file}`, `--storage.tsdb.path=${join(folder.path, 'data')}`] as const),
        `--web.listen-address=127.0.0.1:${port}`,
      ],
    }),
  );
  await running.waitForLine(/Server is ready to receive web requests/);
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const body = (await answer.json()) as { readonly data?: unknown; readonly error?: string };
    if (body.error !== undefined) throw new Error(`${path}: ${body.error}`);
    return body.data;
  };
  const query = async (expression: string): Promise<readonly SeriesValue[]> => {
    const data = (await ask(`query?query=${encodeURIComponent(expression)}`)) as {
      readonly result: readonly { metric: SeriesValue['metric']; value: readonly [number, string] }[];
    };
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  const scope = undo.move();
  return {
    query,
    until: (expression, isWanted) => until(() => query(expression), isWanted, 30_000),
    async rules() {
      const { groups } = (await ask('rules')) as { groups: readonly { rules: readonly EvaluatedRule[] }[] };
      return groups.flatMap(({ rules }) => rules);
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
