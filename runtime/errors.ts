// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from './error-codes.ts';

/** Named values that an error carries beside its text: `{ device: 'dataplaneMvp3', parent: 'bond1' }`. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The one error class. `message` says which operation failed on which object, why (the kernel's or the peer's own
 * text), and, where a person can do something, what.
 */
export class MacvtapError extends Error {
  override readonly name = 'MacvtapError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, options: { facts?: ErrorFacts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }

  /** Makes an error of ours of whatever was thrown; one that is ours already stays as it is. */
  static from(thrown: unknown): MacvtapError {
    if (thrown instanceof MacvtapError) return thrown;
    if (thrown instanceof Error) return new MacvtapError('Unexpected', thrown.message, { cause: thrown });
    return new MacvtapError('Unexpected', String(thrown), { cause: thrown });
  }
}
