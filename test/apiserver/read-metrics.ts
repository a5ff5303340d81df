// SPDX-License-Identifier: Apache-2.0

/** One line of the text that Prometheus scrapes. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the Prometheus text format: `name{label="value"} 1`. */
export function readMetrics(text: string): readonly Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] =
        /^([\w:]+)(?:\{(.*)\})? (NaN|[+-]?(?:Inf|[\d.]+(?:e[+-]?\d+)?))(?: |$)/.exec(line) ?? [];
      if (name === undefined) throw new Error(`not a metric: ${line}`);
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      return {
        name,
        labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])),
        value: Number(value?.replace('Inf', 'Infinity')),
      };
    });
}

/** Returns the sum of the samples with this name and these labels; 0 if there are none. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  hasLabels: (labels: Sample['labels']) => boolean = () => true,
): number {
  return samples
    .filter((sample) => sample.name === name && hasLabels(sample.labels))
    .reduce((sum, { value }) => sum + value, 0);
}
