// SPDX-License-Identifier: Apache-2.0
// Prints how much the steps grow when a list becomes four times as long, for each list and map of each JSON seed.
import { openCoverage } from './coverage.ts';
import { grow, growable, pairsOf } from './grow-json.ts';
import type { Target } from './target.ts';

/** Large enough to make one-time work for each input negligible. */
const sizes = [24, 96] as const;

const coverage = openCoverage();
const { loadTargets } = await import('./targets.ts');
const { jsonOf } = await import('./target.ts');

for (const { target } of await loadTargets()) {
  if (target.shape !== 'json') continue;
  for (const [seed, text] of target.seeds.entries()) {
    const value = jsonOf(Buffer.from(text));
    // A first run makes the objects that are made on first use, so that the counts exclude them.
    await target.run(Buffer.from(text));
    const alone = growable(value).flatMap((path) => [false, true].map((isEqual) => ({ paths: [path], isEqual })));
    const paired = pairsOf(value).map(([one, other]) => ({ paths: [one, other], isEqual: false }));
    for (const { paths, isEqual } of [...alone, ...paired]) {
      const grown = (count: number) => paths.reduce((whole, path) => grow(whole, path, count, isEqual), value);
      const [few, many] = [await stepsFor(target, grown(sizes[0])), await stepsFor(target, grown(sizes[1]))];
      const place = paths.map((path) => path.join('.')).join(' and ');
      console.log(JSON.stringify({ target: target.name, seed, place, isEqual, few, many }));
    }
  }
}

async function stepsFor({ run }: Target, value: unknown): Promise<number> {
  const input = Buffer.from(JSON.stringify(value));
  coverage.look();
  await run(input);
  return coverage.look().steps;
}
