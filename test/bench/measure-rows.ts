// SPDX-License-Identifier: Apache-2.0
import { needsRoot } from '../kernel/network-namespace.ts';
import type { BenchRow } from './row.ts';
import type { RowFigure, Run } from './saved-run.ts';

/**
 * Measures one row after the other, so that no row disturbs another. If a row fails, the next ones are still measured.
 */
export async function measureRows(
  rows: readonly BenchRow[],
  print: (line: string) => void,
): Promise<Pick<Run, 'figures' | 'failures'>> {
  const figures: RowFigure[] = [];
  const failures: string[] = [];
  for (const row of rows) {
    const begin = performance.now();
    try {
      if (row.needsRoot && needsRoot !== false) throw new Error(needsRoot);
      const measured = await row.measure((text) => print(`${row.name}: ${text}`));
      figures.push(...measured.map((figure) => ({ row: row.name, ...figure })));
      print(`${row.name}: done in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    } catch (thrown) {
      failures.push(`${row.name}: could not be measured: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  return { figures, failures };
}
