// SPDX-License-Identifier: Apache-2.0
import type { NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import { textTable } from '../../runtime/text-table.ts';
import { type OutputFormat, render } from '../output/output-flag.ts';
import { findingLines } from './finding-lines.ts';

/** Plans as a person or a script wants them; with the columns of a terminal the table fits it. */
export function renderPlans(plans: readonly NodePlan[], format: OutputFormat, width?: number): string {
  return render(plans, format, (given) => planTable(given, width));
}

function planTable(plans: readonly NodePlan[], width: number | undefined): string {
  const notes = findingLines(
    plans.flatMap(({ node, skipped, conflicts }) => [...conflicts, ...skipped].map((finding) => ({ node, finding }))),
    width,
  );
  return [resourceTable(plans, width), ...(notes.length === 0 ? [] : ['', 'Not exposed:', ...notes])].join('\n');
}

/** One row for each resource; a node that exposes nothing has one too, so that it is not mistaken for forgotten. */
function resourceTable(plans: readonly NodePlan[], width: number | undefined): string {
  const rows = plans.flatMap(({ node, source, resources }) =>
    resources.length === 0
      ? [[node, '-', '-', '-', '-', source]]
      : resources.map((resource) => [node, ...cellsOf(resource)]),
  );
  return textTable(['NODE', 'RESOURCE', 'PARENT', 'MODE', 'QUANTITY', 'SOURCE'], rows, width);
}

function cellsOf({ name, parent, mode, quantity, source, policy }: PlannedResource): readonly string[] {
  return [name, parent, mode, String(quantity), policy === undefined ? source : `${source} ${policy}`];
}
