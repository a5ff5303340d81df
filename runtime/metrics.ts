// SPDX-License-Identifier: Apache-2.0
import { Counter, Histogram, Registry } from 'prom-client';

/** A registry of a process's own, so that nothing is counted that nobody passed a recorder to. */
export function createMetrics(): Registry {
  return new Registry();
}

/** A metric's name and what it says. */
interface Named {
  readonly name: string;
  readonly help: string;
}

/** Labels by name, each with every value that it can have. @example { verb: ['mutate', 'validate'] } */
type ClosedLabels = Readonly<Record<string, readonly string[]>>;

/**
 * A counter whose labels come from closed sets: each combination is there from the start, at 0, so that a rate can be taken
 * from the first event on. The product of the sets is what it costs.
 */
export function createCounter<Labels extends ClosedLabels>(
  registry: Registry,
  named: Named,
  labels: Labels,
): Counter<keyof Labels & string> {
  const labelNames = Object.keys(labels) as (keyof Labels & string)[];
  const counter = new Counter({ ...named, labelNames, registers: [registry] });
  for (const combination of combine(labels)) counter.inc(combination as Parameters<typeof counter.inc>[0] & object, 0);
  return counter;
}

/** Likewise; the buckets are upper bounds in the metric's unit. */
export function createHistogram<Labels extends ClosedLabels>(
  registry: Registry,
  named: Named & { readonly buckets: readonly number[] },
  labels: Labels,
): Histogram<keyof Labels & string> {
  const labelNames = Object.keys(labels) as (keyof Labels & string)[];
  const histogram = new Histogram({ ...named, buckets: [...named.buckets], labelNames, registers: [registry] });
  for (const combination of combine(labels)) histogram.zero(combination as Parameters<typeof histogram.zero>[0]);
  return histogram;
}

/** Every choice of one value for each label. */
function combine(labels: ClosedLabels): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (found, [label, values]) => found.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}
