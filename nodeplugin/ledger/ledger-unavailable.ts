// SPDX-License-Identifier: Apache-2.0
import { getSystemErrorMessage } from 'node:util';
import { MacvtapError } from '../../runtime/errors.ts';

/** LedgerUnavailable for what a system call threw. @example 'cannot read the ledger /x: permission denied (EACCES); …' */
export function ledgerUnavailable(operation: string, thrown: unknown, nextStep: string): MacvtapError {
  const { code = 'unknown', errno, message, path } = thrown as NodeJS.ErrnoException;
  const text = errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
  return new MacvtapError('LedgerUnavailable', `${operation}: ${text}; ${nextStep}`, {
    facts: { path, errno: code },
    cause: thrown,
  });
}
