// SPDX-License-Identifier: Apache-2.0

/**
 * The parts of an ADD and a DEL that take time: `wait` for the device's lock, `free` its index and node, `record` in the
 * ledger, `create` the link, `own` its node (by the shim); `delete` the link.
 */
export const cniSteps = ['wait', 'free', 'record', 'create', 'own', 'delete'] as const;
export type CNIStep = (typeof cniSteps)[number];

/** Told of each step that ended, however it did. */
export type StepListener = (step: CNIStep, durationMs: number) => void;

/** Does a step, and tells how long it took. */
export async function timeStep<Result>(
  step: CNIStep,
  { onStep }: { readonly onStep?: StepListener | undefined },
  run: () => Promise<Result>,
): Promise<Result> {
  const startMs = performance.now();
  try {
    return await run();
  } finally {
    onStep?.(step, performance.now() - startMs);
  }
}

/** A step that ends when the function that is returned is called first. */
export function beginStep(step: CNIStep, { onStep }: { readonly onStep?: StepListener | undefined }): () => void {
  const startMs = performance.now();
  let isOver = false;
  return () => {
    if (!isOver) onStep?.(step, performance.now() - startMs);
    isOver = true;
  };
}
