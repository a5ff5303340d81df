// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** A query of a panel. */
export interface DashboardQuery {
  readonly panel: string;
  readonly expr: string;
  /** The format of the names of its series, such as `{{kind}} {{verb}}`. */
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const file = new URL('../../charts/kube-macvtap/monitoring/dashboard.json', import.meta.url);

export function readPanels(): readonly Panel[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly panels: readonly Panel[] }).panels;
}

/** Returns every query of the chart's dashboard. */
export function readQueries(): readonly DashboardQuery[] {
  return readPanels().flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ panel: title, expr, legend: legendFormat })),
  );
}

/**
 * Returns a query as Grafana sends it, with Grafana's variables replaced. The interval is long enough to cover
 * everything in the test.
 */
export function filledIn(expr: string): string {
  const filled = expr.replaceAll('$__rate_interval', '10m').replaceAll('$__range', '10m');
  if (filled.includes('$')) throw new Error(`an unknown variable: ${expr}`);
  return filled;
}
