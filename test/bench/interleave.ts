// SPDX-License-Identifier: Apache-2.0

/** Does a piece of work and returns its samples. `round` counts from 0, including the warm-up rounds. */
export type Contender = (round: number) => Promise<readonly number[]>;

/**
 * Runs contenders in turn, A B A B …, so that other load on the machine affects all of them equally. Returns the
 * samples of each, in order, without those of the first `warmUp` rounds.
 */
export async function interleave<Name extends string>(
  { rounds, warmUp = 0 }: { readonly rounds: number; readonly warmUp?: number },
  contenders: Readonly<Record<Name, Contender>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const entries = Object.entries<Contender>(contenders);
  const samples = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < warmUp + rounds; round += 1) {
    for (const [name, contender] of entries) {
      const taken = await contender(round);
      if (round >= warmUp) samples[name as Name].push(...taken);
    }
  }
  return samples;
}

/** Returns how long a piece of work takes, in milliseconds. */
export async function timeMs(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
