// SPDX-License-Identifier: Apache-2.0

export const stepOutcomes = ['succeeded', 'failed'] as const;
type StepOutcome = (typeof stepOutcomes)[number];

/** Told of each step that ended, and how. */
export type StepListener<Step extends string> = (step: Step, outcome: StepOutcome, durationMs: number) => void;

interface Stepping<Step extends string> {
  readonly onStep?: StepListener<Step> | undefined;
}

/** Does a step, and tells how long it took. */
export async function timeStep<Step extends string, Result>(
  step: Step,
  stepping: Stepping<Step>,
  run: () => Promise<Result>,
): Promise<Result> {
  using begun = beginStep(step, stepping);
  const result = await run();
  begun.end();
  return result;
}

/** A step under way. One whose scope ends before it does has failed. */
interface BegunStep extends Disposable {
  end(): void;
}

export function beginStep<Step extends string>(step: Step, { onStep }: Stepping<Step>): BegunStep {
  const startMs = performance.now();
  let isOver = false;
  const end = (outcome: StepOutcome): void => {
    if (!isOver) onStep?.(step, outcome, performance.now() - startMs);
    isOver = true;
  };
  return { end: () => end('succeeded'), [Symbol.dispose]: () => end('failed') };
}
