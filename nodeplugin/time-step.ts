// SPDX-License-Identifier: Apache-2.0
export const stepOutcomes = ['succeeded', 'failed'] as const;
type StepOutcome = (typeof stepOutcomes)[number];

/** Called when a step ends, with its outcome and duration. */
export type StepListener<Step extends string> = (step: Step, outcome: StepOutcome, durationMs: number) => void;

interface StepReporter<Step extends string> {
  readonly onStep?: StepListener<Step> | undefined;
}

/** Runs a step and reports how long it took. */
export async function timeStep<Step extends string, Result>(
  step: Step,
  stepping: StepReporter<Step>,
  run: () => Promise<Result>,
): Promise<Result> {
  using begun = beginStep(step, stepping);
  const result = await run();
  begun.end();
  return result;
}

/** A step in progress. If it is disposed before `end` is called, the step has failed. */
interface BegunStep extends Disposable {
  end(): void;
}

export function beginStep<Step extends string>(step: Step, { onStep }: StepReporter<Step>): BegunStep {
  const startMs = performance.now();
  let isOver = false;
  const end = (outcome: StepOutcome): void => {
    if (!isOver) onStep?.(step, outcome, performance.now() - startMs);
    isOver = true;
  };
  return { end: () => end('succeeded'), [Symbol.dispose]: () => end('failed') };
}

/**
 * The measured steps of ADD and DEL:
 *
 * - `wait` for the device's lock
 * - `free` the device's index and device node
 * - `record` the device in the ledger
 * - `create` the link
 * - `own`: let the shim change the owner of the device node
 * - `delete` the link
 */
export const cniSteps = ['wait', 'free', 'record', 'create', 'own', 'delete'] as const;
export type CNIStep = (typeof cniSteps)[number];

/**
 * The measured steps of Allocate. `wait` is measured once for each call, the other steps once for each device:
 *
 * - `wait` for the locks of all devices
 * - `make` the link and its device node, which includes the removal of old links
 * - `record` the device in the ledger
 */
export const allocateSteps = ['wait', 'make', 'record'] as const;
export type AllocateStep = (typeof allocateSteps)[number];
