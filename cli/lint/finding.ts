// SPDX-License-Identifier: Apache-2.0
import type { ReasonCode, Verdict } from '../../policy/reasons.ts';

/**
 * What is said of one place of a file.
 *
 * @example { file: 'nad.yaml', line: 7, object: 'NetworkAttachmentDefinition default/dataplane', code: 'ModeNotOffered',
 *   severity: 'error', path: 'spec.config.mode', message: 'the resource is not offered in this mode (…)' }
 */
export interface LintFinding {
  /** As it was given, or the directory that was given with the file's path in it; `-` is standard input. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Empty where no object could be read. */
  readonly object: string;
  readonly code: ReasonCode;
  /** What would be refused, by the webhook or by the API server, and what is only told. */
  readonly severity: 'error' | 'warning';
  /** Empty where it is about the whole. */
  readonly path: string;
  readonly message: string;
}

/** What a rule says, said of a place. */
export function toFinding(
  place: Pick<LintFinding, 'file' | 'line' | 'object'>,
  { code, path, severity, reason, detail }: Verdict,
): LintFinding {
  return {
    ...place,
    code,
    severity: severity === 'deny' ? 'error' : 'warning',
    path,
    message: detail === '' ? reason : `${reason} (${detail})`,
  };
}
