// SPDX-License-Identifier: Apache-2.0
import { needsRoot } from '../kernel/network-namespace.ts';
import type { Figure } from './figure.ts';
import type { BenchRow } from './row.ts';

/** The result of a run: figures, and each row that could not be measured, with the reason. */
export interface Measured {
  readonly figures: readonly Figure[];
  readonly failures: readonly string[];
}

/**
 * Measures one row after the other, so that no row disturbs another. If a row fails, the next ones are still measured.
 */
export async function measureRows(rows: readonly BenchRow[], print: (line: string) => void): Promise<Measured> {
  const figures: Figure[] = [];
  const failures: string[] = [];
  for (const row of rows) {
    const begin = performance.now();
    try {
      if (row.needsRoot && needsRoot !== false) throw new Error(needsRoot);
      figures.push(...(await row.measure((text) => print(`${row.name}: ${text}`))));
      print(`${row.name}: done in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    } catch (thrown) {
      failures.push(`${row.name}: could not be measured: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  return { figures, failures };
}
