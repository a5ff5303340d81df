// SPDX-License-Identifier: Apache-2.0
import { readCorpus } from './corpus.ts';
import type { Coverage } from './coverage.ts';
import { type Material, mutateBytes } from './mutate-bytes.ts';
import { mutateJSON } from './mutate-json.ts';
import { createRandom, type Random } from './random.ts';
import { checkPrototypes, stepsAllowed, type Target } from './target.ts';

/** An input that breaks the target's invariant, reduced as far as possible while the same error remains. */
export interface Failure {
  readonly input: Uint8Array;
  readonly error: string;
}

export interface FuzzOptions {
  readonly target: Target;
  readonly coverage: Coverage;
  readonly seed: number;
  readonly isOver: () => boolean;
  /** Called with each input before it runs. If the process dies or hangs, this is the input that caused it. */
  readonly onInput: (input: Uint8Array) => void;
}

export interface FuzzResult {
  readonly executions: number;
  /** Inputs that run code which no earlier input ran. Those from the source tree come first, then new ones. */
  readonly corpus: readonly Uint8Array[];
  readonly known: number;
  /** How many characters of the project's source ran, and how many of those no input from the source tree reaches. */
  readonly covered: number;
  readonly fresh: number;
  readonly failures: readonly Failure[];
}

/** How many inputs run between two readings of the coverage. A reading takes longer than many inputs. */
const batchSize = 16;

/** The most failures to collect. Further failures are usually repetitions. */
const maxFailures = 8;

/** Repeatedly changes inputs that reach new code, until the time is over. */
export async function fuzzTarget({ target, coverage, seed, isOver, onInput }: FuzzOptions): Promise<FuzzResult> {
  const random = createRandom(seed);
  const corpus: Uint8Array[] = [];
  const failures = new Map<string, Failure>();
  let executions = 0;

  const execute = async (input: Uint8Array): Promise<boolean> => {
    onInput(input);
    executions += 1;
    const error = await errorOf(target, input);
    if (error === undefined) return true;
    const kind = kindOf(error);
    if (!failures.has(kind)) failures.set(kind, await shrink(target, input, error, onInput));
    return false;
  };
  /** Runs one input with a separate count, and keeps the input if it reaches new code. */
  const examine = async (input: Uint8Array): Promise<void> => {
    coverage.look();
    const isSound = await execute(input);
    const { steps, fresh } = coverage.look();
    if (fresh > 0 && isSound) corpus.push(input);
    const allowed = stepsAllowed(target, input.length);
    if (steps > allowed && !failures.has('steps')) {
      failures.set('steps', { input, error: `${input.length} bytes took ${steps} steps; ${allowed} are allowed` });
    }
  };

  // Runs every seed once, so that later counts exclude objects made on first use and code that runs while modules load.
  for (const seed of target.seeds) await errorOf(target, Buffer.from(seed));
  coverage.look({ keeps: false });
  const given = [...target.seeds.map((text) => Buffer.from(text)), ...readCorpus(target.name)];
  for (const input of given) {
    const before = corpus.length;
    await examine(input);
    // Inputs in the source tree are always worth changing, even if they reach no new code.
    if (corpus.length === before) corpus.push(input);
  }
  const known = corpus.length;
  const coveredByTree = coverage.covered;
  const words = (target.words ?? []).map((word) => Buffer.from(word));
  const mutate = target.shape === 'json' ? mutateJSON : mutateBytes;
  while (!isOver() && failures.size < maxFailures) {
    const material: Material = { random, corpus, words };
    const batch = Array.from({ length: batchSize }, () => mutate(choose(corpus, random), material));
    for (const input of batch) await execute(input);
    const { steps, fresh } = coverage.look({ keeps: false });
    const length = batch.reduce((sum, input) => sum + input.length, 0);
    if (fresh > 0 || steps > stepsAllowed(target, length) || random.below(16) === 0) {
      for (const input of batch) await examine(input);
    }
  }
  return {
    executions,
    corpus,
    known,
    covered: coverage.covered,
    fresh: coverage.covered - coveredByTree,
    failures: [...failures.values()],
  };
}

/** Returns an input to change. Often it is one of the newest, which have not been changed often yet. */
function choose(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  return random.below(2) === 0 ? random.pick(corpus) : random.pick(corpus.slice(-8));
}

/** Returns the error of an input, or undefined if the invariant holds. Also used to replay the corpus. */
export async function errorOf({ run }: Pick<Target, 'run'>, input: Uint8Array): Promise<unknown> {
  try {
    // Most targets are synchronous. Waiting for a promise would cost more than the input itself.
    const running = run(input);
    if (running !== undefined) await running;
    checkPrototypes();
    return undefined;
  } catch (thrown) {
    return thrown ?? new Error('a value other than an error was thrown');
  }
}

/** Returns where an error was thrown, and the error's message without the parts that quote the input. */
function kindOf(error: unknown): string {
  const { stack = '', name = '' } = error instanceof Error ? error : {};
  const places = [...stack.matchAll(/^ +at .*?([^/()]+:\d+:\d+)\)?$/gm)].map(([, place = '']) => place);
  const outside = places.filter((place) => !place.startsWith('fuzz-target.ts'));
  return `${name} ${outside.slice(0, 2).join(' ')}`;
}

/** Removes parts of an input, halves first, as long as the same error remains. */
async function shrink(
  target: Target,
  input: Uint8Array,
  error: unknown,
  onInput: FuzzOptions['onInput'],
): Promise<Failure> {
  let [smallest, shown] = [input, error];
  for (let size = Math.ceil(input.length / 2), tries = 0; size >= 1 && tries < 2_000; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length && tries < 2_000; tries += 1) {
      const shorter = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      onInput(shorter);
      const found = await errorOf(target, shorter);
      if (found !== undefined && kindOf(found) === kindOf(error)) [smallest, shown] = [shorter, found];
      else at += size;
    }
  }
  return { input: smallest, error: shown instanceof Error ? (shown.stack ?? shown.message) : String(shown) };
}
