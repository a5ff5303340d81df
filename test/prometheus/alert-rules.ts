// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** An alert as it is in the chart's file. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

export const alertsFile = fileURLToPath(new URL('../../charts/kube-macvtap/monitoring/alerts.yaml', import.meta.url));

/** Returns every alert of the chart. */
export function readAlertRules(): readonly AlertRule[] {
  const { groups } = parse(readFileSync(alertsFile, 'utf8')) as { groups: readonly { rules: readonly AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}
